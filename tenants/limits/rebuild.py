"""Making a budget's counter in Valkey anew from the ledger: exactly, while calls go on.

A counter is missing after a FLUSHALL, with a new period or a new budget; and it is out of date
where usage reached the ledger past Valkey, which raises `Tenant.budget_generation`. Then:

1. the counter is marked: from here on what is settled is also noted by its call;
2. what still waits in the stream for this tenant is put into the ledger now, which knows each event
   by
   its id: the drain that comes later finds a repeat;
3. in one snapshot of the database the ledger's sum is read, and which of the noted calls are in it;
4. the counter becomes that sum and the noted calls that are not in it, in one step.

An event is in the stream before it is noted, or in the same step; so every event is either in the
sum or noted and not in the sum. Several processes may do this at once: the first to finish wins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django.db import connection, transaction

from llmhub.base.valkey import valkey
from tenants.limits.counters import budget_key, keep_ms, script
from tenants.limits.holds import OpenHold, holds_open
from tenants.limits.ledger_sums import calls_in_ledger, spent_in_ledger
from tenants.limits.periods import Period, period_at
from tenants.limits.snapshot_parts import budgets_of
from tenants.models import Tenant
from tenants.snapshots import BudgetView
from tenants.tenancy import in_schema
from tenants.usage.events import FIELD, STREAM, ImpossibleEvent, UsageFacts, events_parse
from tenants.usage.services import usage_record

_BATCH = 2_000


@dataclass(frozen=True)
class _Reading:
    spent: int
    counted: frozenset[UUID]
    holds: tuple[OpenHold, ...]


def budgets_rebuild(tenant_id: UUID) -> None:
    """Make every counter of the tenant's current periods that is missing or out of date.

    Raises ValkeyError, and what the database raises.
    """
    tenant = Tenant.objects.select_related("plan").filter(pk=tenant_id).first()
    if tenant is None:
        return
    with in_schema(tenant):
        budgets = budgets_of(tenant)
    now = datetime.now(UTC)
    missing = [
        (budget, period)
        for budget in budgets
        for period in (period_at(budget.period, budget.time_zone, now),)
        if not _is_there(tenant, budget, period)
    ]
    if not missing:
        return
    for budget, period in missing:
        _mark(tenant, budget, period)
    usage_record(list(_waiting(tenant.pk)))
    for budget, period in missing:
        _finish(tenant, budget, period)


def _key(tenant: Tenant, budget: BudgetView, period: Period) -> str:
    return budget_key(tenant.pk, budget.id, period.key)


def _is_there(tenant: Tenant, budget: BudgetView, period: Period) -> bool:
    generation = valkey().hget(_key(tenant, budget, period), "g")
    return generation is not None and int(generation) >= tenant.budget_generation


def _mark(tenant: Tenant, budget: BudgetView, period: Period) -> None:
    valkey().hset(_key(tenant, budget, period), "b", "1")


def _waiting(tenant_id: UUID) -> Iterator[UsageFacts]:
    """The tenant's events that are in the stream; nobody's turn in the consumer group is
    touched."""
    client, mark, since = valkey(), str(tenant_id).encode(), "-"
    while True:
        entries: Any = client.xrange(STREAM, min=since, max="+", count=_BATCH)
        for entry_id, fields in entries:
            content = fields.get(FIELD, b"")
            if mark in content:
                yield from _parsed(content, tenant_id)
            since = "(" + entry_id.decode()
        if len(entries) < _BATCH:
            return


def _parsed(content: bytes, tenant_id: UUID) -> list[UsageFacts]:
    try:
        return [event for event in events_parse(content) if event.tenant_id == tenant_id]
    except ImpossibleEvent:
        return []


def _finish(tenant: Tenant, budget: BudgetView, period: Period) -> None:
    key = _key(tenant, budget, period)
    reading = _read(tenant, budget, period, key)
    arguments: list[str | int] = [
        tenant.budget_generation,
        reading.spent,
        keep_ms(period, datetime.now(UTC)),
        len(reading.counted),
        *map(str, reading.counted),
    ]
    for hold in reading.holds:
        arguments += [str(hold.call_id), hold.amount, hold.lifetime_ms]
    valkey().eval(script("rebuilt"), 1, key, *arguments)


def _read(tenant: Tenant, budget: BudgetView, period: Period, key: str) -> _Reading:
    """The sum fixes the snapshot of the database; the notes are read after it, so that a call which
    is noted later cannot be in it."""
    with in_schema(tenant), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        spent = spent_in_ledger(budget, period)
        calls = cast("list[bytes]", valkey().hkeys(f"{key}:p"))
        noted = {UUID(call_id.decode()) for call_id in calls}
        holds = tuple(holds_open(tenant.pk, budget.id))
        return _Reading(spent, frozenset(calls_in_ledger(noted)), holds)
