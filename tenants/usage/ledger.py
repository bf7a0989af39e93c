"""The ledger's statements: what services.py does within a tenant's schema.

One statement inserts the events and adds those that are new to every sum: events, hours, days, the
shared rollup and the models' counters cannot come apart. The events of a batch, of whatever
tenants, travel by one COPY into a temporary table of the session. Table names come from the models.
"""

from collections.abc import Iterable
from functools import cache
from uuid import UUID

from django.db import connection

from tenants.llms.models import TenantLLM
from tenants.models import Tenant
from tenants.usage.events import NAMES, UsageFacts
from tenants.usage.models import UsageDaily, UsageEvent, UsageHourly
from tenants.usage.sums import (
    DAY,
    HOUR,
    SHARED_KEY,
    SHARED_SUMS,
    adding,
    events_into,
    events_into_shared,
    rollup_key,
    table,
)
from tenants.usage.zones import bucket_minutes

_COLUMNS = tuple(name for name in NAMES if name != "tenant_id")
_STAGED = "usage_staged"
_LOCKS = 0x6C65_6467
"""`ledg`: the first half of the advisory locks' numbers, so that no other lock has the same."""


def ledger_lock(tenant_id: UUID) -> str:
    """One writer at a time in a tenant's ledger, until the transaction ends; gives the time zone in
    which its days are counted, read behind the lock.

    Not a lock of the table: that would stop autovacuum, and these are the tables that need it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)",
            [_LOCKS, int.from_bytes(tenant_id.bytes[:4], "big", signed=True)],
        )
        cursor.execute(
            f"SELECT time_zone FROM {table(Tenant)} WHERE id = %s",  # noqa: S608
            [tenant_id],
        )
        found = cursor.fetchone()
    return str(found[0]) if found else "UTC"


def events_stage(events: Iterable[UsageFacts]) -> None:
    """Bring events over to the server, for `events_add` within the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_staging())
        with (
            connection.wrap_database_errors,
            cursor.copy(f"COPY {_STAGED} ({', '.join(NAMES)}) FROM STDIN") as copy,
        ):
            for event in events:
                copy.write_row(event)


def events_add(tenant_id: UUID, zone: str) -> int:
    """In the tenant's schema: insert those of its staged events that are not there, and add them to
    every sum; gives how many are new."""
    with connection.cursor() as cursor:
        cursor.execute(_statement(), {"tenant": tenant_id, **zone_parameters(zone)})
        return int(cursor.fetchone()[0])


def zone_parameters(zone: str) -> dict[str, str]:
    return {"zone": zone, "bucket": f"{bucket_minutes(zone)} minutes"}


@cache
def _staging() -> str:
    """The session keeps the table, empty between transactions."""
    types = {field.column: field.db_type(connection) for field in UsageEvent._meta.local_fields}
    columns = ", ".join(f"{name} {types.get(name, 'uuid')}" for name in NAMES)
    return f"CREATE TEMPORARY TABLE IF NOT EXISTS {_STAGED} ({columns}) ON COMMIT DELETE ROWS"


@cache
def _statement() -> str:
    """Every part works in one order on rows that `ledger_lock` keeps others from."""
    shared_key = ", ".join(("tenant_id", "day", *SHARED_KEY))
    return f"""
WITH new AS (
    INSERT INTO {table(UsageEvent)} ({", ".join(_COLUMNS)})
    SELECT {", ".join(_COLUMNS)}
    FROM {_STAGED} WHERE tenant_id = %(tenant)s ORDER BY id ON CONFLICT (id) DO NOTHING
    RETURNING {", ".join(name for name in _COLUMNS if name != "sealed_text")}
), hourly AS (
    {events_into(UsageHourly, HOUR, "new")}
    ON CONFLICT ({rollup_key(UsageHourly)}) DO UPDATE SET {adding()}
), daily AS (
    {events_into(UsageDaily, DAY, "new")}
    ON CONFLICT ({rollup_key(UsageDaily)}) DO UPDATE SET {adding()}
), shared AS (
    {events_into_shared("new")}
    ON CONFLICT ({shared_key}) DO UPDATE SET {adding(SHARED_SUMS)}
), used AS (
    SELECT is_shared, connection_id, llm_name, model_type, max(llm_factory) AS llm_factory,
        sum(input_tokens + output_tokens)::bigint AS tokens
    FROM new WHERE attempt > 0 GROUP BY is_shared, connection_id, llm_name, model_type
), own_used AS (
    UPDATE {table(TenantLLM)} AS m SET used_tokens = m.used_tokens + used.tokens
    FROM used WHERE NOT used.is_shared AND used.tokens > 0 AND used.connection_id = m.connection_id
        AND used.llm_name = m.llm_name AND used.model_type = m.model_type
), shared_used AS (
    INSERT INTO {table(TenantLLM)} AS m (id, shared_connection_id, llm_factory, llm_name,
        model_type, used_tokens, is_enabled, created_at, updated_at)
    SELECT gen_random_uuid(), connection_id, llm_factory, llm_name, model_type, tokens, true,
        now(), now()
    FROM used WHERE is_shared
    ON CONFLICT (shared_connection_id, llm_name, model_type)
    DO UPDATE SET used_tokens = m.used_tokens + EXCLUDED.used_tokens
)
SELECT count(*) FROM new
"""  # noqa: S608
