"""The ledger's statements: what services.py does within a tenant's schema, a statement each.

In SQL because the ORM has no insert that tells new rows from old ones, nor one that adds to sums.
Rows travel as one array for each column; table names come from the models.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F, Model
from django.utils import timezone

from tenants.llms.models import TenantLLM
from tenants.models import TenantUsageDaily
from tenants.usage.events import UsageFacts
from tenants.usage.models import UsageDaily, UsageEvent

_EVENT_COLUMNS = {
    "id": "uuid",
    "request_id": "uuid",
    "at": "timestamptz",
    "access_token_id": "uuid",
    "connection_id": "uuid",
    "connection_name": "text",
    "is_shared": "bool",
    "llm_factory": "text",
    "llm_name": "text",
    "model_type": "text",
    "input_tokens": "bigint",
    "output_tokens": "bigint",
    "cached_tokens": "bigint",
    "reasoning_tokens": "bigint",
    "is_estimated": "bool",
    "is_streamed": "bool",
    "http_status": "int",
    "error_kind": "text",
    "latency_ms": "int",
    "first_byte_ms": "int",
}
_SUMS = {
    "requests": "bigint",
    "failed_requests": "bigint",
    "input_tokens": "bigint",
    "output_tokens": "bigint",
    "cached_tokens": "bigint",
    "reasoning_tokens": "bigint",
}
_DAILY_KEY = {"day": "date", "connection_id": "uuid", "llm_name": "text", "model_type": "text"}
_DAILY_FACTS = {"llm_factory": "text", "connection_name": "text", "is_shared": "bool"}
_TENANT_KEY = {
    "tenant_id": "uuid",
    "day": "date",
    "llm_factory": "text",
    "llm_name": "text",
    "model_type": "text",
}
_TENANT_SUMS = {name: _SUMS[name] for name in list(_SUMS)[:4]}


class Sums(NamedTuple):
    """What a group of events adds up to, in the order of the rollups' columns."""

    requests: int = 0
    failed_requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def plus(self, event: UsageFacts) -> "Sums":
        return Sums(
            self.requests + 1,
            self.failed_requests + bool(event.error_kind),
            self.input_tokens + event.input_tokens,
            self.output_tokens + event.output_tokens,
            self.cached_tokens + event.cached_tokens,
            self.reasoning_tokens + event.reasoning_tokens,
        )


def events_insert(events: Iterable[UsageFacts]) -> set[UUID]:
    """Insert those that are not there; give the ids of these."""
    rows = [[getattr(event, name) for name in _EVENT_COLUMNS] for event in events]
    rows.sort(key=lambda row: row[0])
    statement = _insert(UsageEvent, _EVENT_COLUMNS) + " ON CONFLICT (id) DO NOTHING RETURNING id"
    with connection.cursor() as cursor:
        cursor.execute(statement, _arrays(rows))
        return {row[0] for row in cursor.fetchall()}


def daily_add(events: Iterable[UsageFacts]) -> None:
    """Add the events to the tenant's sums per day, model and connection."""
    sums: defaultdict[tuple[Any, ...], Sums] = defaultdict(Sums)
    facts: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for event in events:
        key = (_day(event), event.connection_id, event.llm_name, event.model_type)
        sums[key] = sums[key].plus(event)
        facts[key] = (event.llm_factory, event.connection_name, event.is_shared)
    rows = [[*key, *facts[key], *sums[key]] for key in sorted(sums)]
    _add(UsageDaily, _DAILY_KEY, _DAILY_FACTS, _SUMS, rows)


def tenant_daily_add(tenant_id: UUID, events: Iterable[UsageFacts]) -> None:
    """Add the events to the shared rollup that the operator's reports read."""
    sums: defaultdict[tuple[Any, ...], Sums] = defaultdict(Sums)
    for event in events:
        key = (tenant_id, _day(event), event.llm_factory, event.llm_name, event.model_type)
        sums[key] = sums[key].plus(event)
    rows = [[*key, *sums[key][: len(_TENANT_SUMS)]] for key in sorted(sums)]
    _add(TenantUsageDaily, _TENANT_KEY, {}, _TENANT_SUMS, rows)


def used_tokens_add(events: Iterable[UsageFacts]) -> None:
    """Add to the models' own counters. A model of the tenant's that was deleted meanwhile has none;
    one on a shared connection gets its row with its first use."""
    tokens: defaultdict[tuple[bool, UUID, str, str, str], int] = defaultdict(int)
    for event in events:
        key = (
            event.is_shared,
            event.connection_id,
            event.llm_name,
            event.model_type,
            event.llm_factory,
        )
        tokens[key] += event.input_tokens + event.output_tokens
    for key, used in sorted(tokens.items()):
        is_shared, connection_id, llm_name, model_type, llm_factory = key
        if is_shared:
            _shared_used_add([connection_id, llm_factory, llm_name, model_type, used])
        elif used:
            rows = TenantLLM.objects.filter(
                connection_id=connection_id, llm_name=llm_name, model_type=model_type
            )
            rows.update(used_tokens=F("used_tokens") + used)


def _shared_used_add(values: list[Any]) -> None:
    table = connection.ops.quote_name(TenantLLM._meta.db_table)
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (id, shared_connection_id, llm_factory, llm_name, model_type,"  # noqa: S608
            " used_tokens, is_enabled, created_at, updated_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, true, %s, %s)"
            " ON CONFLICT (shared_connection_id, llm_name, model_type)"
            f" DO UPDATE SET used_tokens = {table}.used_tokens + EXCLUDED.used_tokens",
            [uuid.uuid4(), *values, now, now],
        )


def _day(event: UsageFacts) -> date:
    return event.at.astimezone(UTC).date()


def _add(
    model: type[Model],
    key: dict[str, str],
    facts: dict[str, str],
    sums: dict[str, str],
    rows: list[list[Any]],
) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    added = ", ".join(f"{name} = {table}.{name} + EXCLUDED.{name}" for name in sums)
    statement = _insert(model, {**key, **facts, **sums})
    statement += f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {added}"
    with connection.cursor() as cursor:
        cursor.execute(statement, _arrays(rows))


def _insert(model: type[Model], columns: dict[str, str]) -> str:
    table = connection.ops.quote_name(model._meta.db_table)
    arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608


def _arrays(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
