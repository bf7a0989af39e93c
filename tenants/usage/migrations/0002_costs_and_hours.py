"""Events say what was asked, answered and paid; sums by hour, and by token and status.

One ALTER TABLE for each table: the statements are executed again for every new tenant. Sums that
are there are made anew from their events, none of which has been dropped so far.
"""

from django.db import migrations, models

_EVENT_COLUMNS = """
ALTER TABLE usage_usageevent
    ADD COLUMN attempt smallint NOT NULL DEFAULT 1 CHECK (attempt >= 0),
    ADD COLUMN route varchar(128) NOT NULL DEFAULT '',
    ADD COLUMN endpoint varchar(64) NOT NULL DEFAULT '',
    ADD COLUMN model_asked varchar(200) NOT NULL DEFAULT '',
    ADD COLUMN cache_write_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN input_audio_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN output_audio_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN images bigint NOT NULL DEFAULT 0,
    ADD COLUMN characters bigint NOT NULL DEFAULT 0,
    ADD COLUMN audio_ms bigint NOT NULL DEFAULT 0,
    ADD COLUMN cost_usd numeric(20, 9),
    ADD COLUMN price_source varchar(20) NOT NULL DEFAULT '',
    ADD COLUMN is_usage_refused boolean NOT NULL DEFAULT false,
    ADD COLUMN is_result boolean NOT NULL DEFAULT true,
    ADD COLUMN result_status smallint CHECK (result_status >= 0),
    ADD COLUMN result_code varchar(64) NOT NULL DEFAULT '',
    ADD COLUMN sealed_text text
"""
_DAILY_COLUMNS = """
ALTER TABLE usage_usagedaily
    ADD COLUMN access_token_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN status smallint NOT NULL DEFAULT 0 CHECK (status >= 0),
    ADD COLUMN attempts bigint NOT NULL DEFAULT 0,
    ADD COLUMN estimated_attempts bigint NOT NULL DEFAULT 0,
    ADD COLUMN unpriced_attempts bigint NOT NULL DEFAULT 0,
    ADD COLUMN cache_write_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN input_audio_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN output_audio_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN images bigint NOT NULL DEFAULT 0,
    ADD COLUMN characters bigint NOT NULL DEFAULT 0,
    ADD COLUMN audio_ms bigint NOT NULL DEFAULT 0,
    ADD COLUMN cost_usd numeric(24, 9) NOT NULL DEFAULT 0,
    DROP CONSTRAINT usage_usagedaily_pkey,
    ADD PRIMARY KEY (day, connection_id, llm_name, model_type, access_token_id, status)
"""
_HOURLY = """
CREATE TABLE usage_usagehourly (
    hour timestamptz NOT NULL,
    connection_id uuid NOT NULL,
    llm_name varchar(200) NOT NULL,
    model_type varchar(16) NOT NULL,
    access_token_id uuid NOT NULL,
    status smallint NOT NULL CHECK (status >= 0),
    llm_factory varchar(100) NOT NULL,
    connection_name varchar(63) NOT NULL,
    is_shared boolean NOT NULL,
    requests bigint NOT NULL,
    failed_requests bigint NOT NULL,
    attempts bigint NOT NULL,
    estimated_attempts bigint NOT NULL,
    unpriced_attempts bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    input_audio_tokens bigint NOT NULL,
    output_audio_tokens bigint NOT NULL,
    images bigint NOT NULL,
    characters bigint NOT NULL,
    audio_ms bigint NOT NULL,
    cost_usd numeric(24, 9) NOT NULL,
    PRIMARY KEY (hour, connection_id, llm_name, model_type, access_token_id, status)
)
"""
_COPIED = (
    "input_tokens, output_tokens, cached_tokens, reasoning_tokens, cache_write_tokens,"
    " input_audio_tokens, output_audio_tokens, images, characters, audio_ms"
)
_SUMMED = ", ".join(f"sum({name.strip()})" for name in _COPIED.split(","))


def _fill(table: str, column: str, moment: str) -> str:
    token = "coalesce(access_token_id, '00000000-0000-0000-0000-000000000000')"
    return f"""
INSERT INTO {table} ({column}, connection_id, llm_name, model_type, access_token_id, status,
    llm_factory, connection_name, is_shared, requests, failed_requests, attempts,
    estimated_attempts, unpriced_attempts, {_COPIED}, cost_usd)
SELECT {moment}, connection_id, llm_name, model_type, {token}, http_status,
    max(llm_factory), max(connection_name), bool_or(is_shared), count(*),
    count(*) FILTER (WHERE error_kind <> ''), count(*),
    count(*) FILTER (WHERE is_estimated), count(*) FILTER (WHERE cost_usd IS NULL), {_SUMMED}, 0
FROM usage_usageevent GROUP BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608


def sums_again(apps, schema_editor):
    """In a schema without events, as every new one is, there is nothing to do."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM usage_usageevent)")
        if not cursor.fetchone()[0]:
            return
        cursor.execute("DELETE FROM usage_usagedaily")
        cursor.execute(_fill("usage_usagedaily", "day", "(at AT TIME ZONE 'UTC')::date"))
        cursor.execute(_fill("usage_usagehourly", "hour", "date_trunc('hour', at, 'UTC')"))


def _kinds():
    return [
        ("input_tokens", models.BigIntegerField(default=0)),
        ("output_tokens", models.BigIntegerField(default=0)),
        ("cached_tokens", models.BigIntegerField(default=0)),
        ("reasoning_tokens", models.BigIntegerField(default=0)),
        ("cache_write_tokens", models.BigIntegerField(default=0)),
        ("input_audio_tokens", models.BigIntegerField(default=0)),
        ("output_audio_tokens", models.BigIntegerField(default=0)),
        ("images", models.BigIntegerField(default=0)),
        ("characters", models.BigIntegerField(default=0)),
        ("audio_ms", models.BigIntegerField(default=0)),
    ]


def _rollup(name, column, moment):
    by = ("connection_id", "llm_name", "model_type", "access_token_id", "status")
    key = models.CompositePrimaryKey(
        column, *by, blank=True, editable=False, primary_key=True, serialize=False
    )
    return migrations.CreateModel(
        name=name,
        fields=[
            ("llm_factory", models.CharField(max_length=100)),
            ("connection_name", models.CharField(max_length=63)),
            ("is_shared", models.BooleanField(default=False)),
            ("llm_name", models.CharField(max_length=200)),
            ("model_type", models.CharField(max_length=16)),
            *_kinds(),
            ("connection_id", models.UUIDField()),
            ("access_token_id", models.UUIDField()),
            ("status", models.PositiveSmallIntegerField()),
            ("requests", models.BigIntegerField(default=0)),
            ("failed_requests", models.BigIntegerField(default=0)),
            ("attempts", models.BigIntegerField(default=0)),
            ("estimated_attempts", models.BigIntegerField(default=0)),
            ("unpriced_attempts", models.BigIntegerField(default=0)),
            ("cost_usd", models.DecimalField(decimal_places=9, default=0, max_digits=24)),
            ("pk", key),
            (column, moment),
        ],
        options={"ordering": [f"-{column}", "llm_factory", "llm_name"]},
    )


def _event_fields():
    text = models.CharField
    added = {
        "attempt": models.PositiveSmallIntegerField(default=1),
        "route": text(blank=True, default="", max_length=128),
        "endpoint": text(blank=True, default="", max_length=64),
        "model_asked": text(blank=True, default="", max_length=200),
        **dict(_kinds()[4:]),
        "cost_usd": models.DecimalField(decimal_places=9, max_digits=20, null=True),
        "price_source": text(blank=True, default="", max_length=20),
        "is_usage_refused": models.BooleanField(default=False),
        "is_result": models.BooleanField(default=True),
        "result_status": models.PositiveSmallIntegerField(null=True),
        "result_code": text(blank=True, default="", max_length=64),
        "sealed_text": models.TextField(null=True),
    }
    return [migrations.AddField("usageevent", name, field) for name, field in added.items()]


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                *_event_fields(),
                migrations.DeleteModel("UsageDaily"),
                _rollup("UsageDaily", "day", models.DateField()),
                _rollup("UsageHourly", "hour", models.DateTimeField()),
            ],
            database_operations=[
                migrations.RunSQL(_EVENT_COLUMNS),
                migrations.RunSQL(_DAILY_COLUMNS),
                migrations.RunSQL(_HOURLY),
            ],
        ),
        migrations.RunPython(sums_again, migrations.RunPython.noop),
    ]
