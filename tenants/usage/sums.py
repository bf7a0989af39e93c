"""What the sums are sums of, in SQL: the drain adds them up, and a rebuild makes them anew.

Both use the expressions below, so that a rollup cannot differ from its events by definition.
"""

from django.db import connection
from django.db.models import Model

from tenants.models import TenantUsageDaily
from tenants.usage.models import UsageDaily, UsageHourly

KINDS = (
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cache_write_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "images",
    "characters",
    "audio_ms",
)

_COUNTS = {
    "requests": "count(*) FILTER (WHERE is_result)",
    "failed_requests": "count(*) FILTER (WHERE is_result AND error_kind <> '')",
    "attempts": "count(*) FILTER (WHERE attempt > 0)",
    "estimated_attempts": "count(*) FILTER (WHERE is_estimated)",
    "unpriced_attempts": "count(*) FILTER (WHERE cost_usd IS NULL)",
}

EVENT_SUMS: dict[str, str] = {
    **_COUNTS,
    **{kind: f"sum({kind})::bigint" for kind in KINDS},
    "cost_usd": "coalesce(sum(cost_usd), 0)",
}
"""Column of a rollup -> expression over events."""

SHARED_SUMS = (
    "requests",
    "failed_requests",
    "attempts",
    "unpriced_attempts",
    "input_tokens",
    "output_tokens",
    "cost_usd",
)
"""Those that the shared rollup has too."""

EVENT_KEY: dict[str, str] = {
    "connection_id": "connection_id",
    "llm_name": "llm_name",
    "model_type": "model_type",
    "access_token_id": "coalesce(access_token_id, '00000000-0000-0000-0000-000000000000')",
    "status": "coalesce(result_status, http_status)",
}
"""The rollups' key besides hour or day -> expression over events."""

FACTS: dict[str, str] = {
    "llm_factory": "max(llm_factory)",
    "connection_name": "max(connection_name)",
    "is_shared": "bool_or(is_shared)",
}
"""What depends on the key."""

SHARED_KEY = ("llm_factory", "llm_name", "model_type")

HOUR = "date_bin(%(bucket)s::interval, at, 'epoch'::timestamptz)"
DAY = "(at AT TIME ZONE %(zone)s)::date"
UTC_DAY = "(at AT TIME ZONE 'UTC')::date"


def table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def events_into(rollup: type[Model], moment: str, source: str) -> str:
    """INSERT the sums of the events in `source` into the tenant's hourly or daily rollup."""
    name = rollup_moment(rollup)
    values = {name: moment, **EVENT_KEY, **FACTS, **EVENT_SUMS}
    return (
        f"INSERT INTO {table(rollup)} AS r ({', '.join(values)})"  # noqa: S608
        f" SELECT {', '.join(values.values())} FROM {source}"
        f" GROUP BY {', '.join((moment, *EVENT_KEY.values()))}"
    )


def events_into_shared(source: str) -> str:
    """The same for the shared rollup; wants the parameter `tenant`."""
    sums = {name: EVENT_SUMS[name] for name in SHARED_SUMS}
    names = ", ".join(("tenant_id", "day", *SHARED_KEY, *sums))
    return (
        f"INSERT INTO {table(TenantUsageDaily)} AS r ({names})"  # noqa: S608
        f" SELECT %(tenant)s, {UTC_DAY}, {', '.join((*SHARED_KEY, *sums.values()))} FROM {source}"
        f" GROUP BY {UTC_DAY}, {', '.join(SHARED_KEY)}"
    )


def sums_into_daily(source: str) -> str:
    """INSERT the sums of hourly rows in `source` into the tenant's daily rollup."""
    day = "(hour AT TIME ZONE %(zone)s)::date"
    summed = ", ".join(f"sum({name})" for name in EVENT_SUMS)
    names = ", ".join(("day", *EVENT_KEY, *FACTS, *EVENT_SUMS))
    return (
        f"INSERT INTO {table(UsageDaily)} ({names})"  # noqa: S608
        f" SELECT {day}, {', '.join((*EVENT_KEY, *FACTS.values()))}, {summed} FROM {source}"
        f" GROUP BY {day}, {', '.join(EVENT_KEY)}"
    )


def rollup_moment(rollup: type[Model]) -> str:
    return "hour" if rollup is UsageHourly else "day"


def adding(sums: tuple[str, ...] = tuple(EVENT_SUMS)) -> str:
    """The SET of an upsert that adds."""
    return ", ".join(f"{name} = r.{name} + EXCLUDED.{name}" for name in sums)


def rollup_key(rollup: type[Model]) -> str:
    return ", ".join((rollup_moment(rollup), *EVENT_KEY))
