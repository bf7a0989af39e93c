"""Hard budgets while Valkey is away: reserved in PostgreSQL, one call of a tenant after the other.

What the ledger says was spent and what is held must leave room for the call. Each reservation and
each settlement of this way raises the tenant's budget generation, so that the counters in Valkey,
which know nothing of it, are made anew when it is back.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Sum

from tenants.limits.counters import LEASE_MS
from tenants.limits.ledger_sums import spent_in_ledger
from tenants.limits.periods import period_at
from tenants.models import BudgetHold, Tenant
from tenants.snapshots import BudgetView
from tenants.tenancy import in_schema
from tenants.usage.events import UsageFacts
from tenants.usage.services import usage_record

_LEASE = timedelta(milliseconds=LEASE_MS)


@dataclass(frozen=True)
class HoldWish:
    """`others` is what the asking process has reserved in Valkey for calls that still run."""

    budget: BudgetView
    amount: int
    others: int = 0


@dataclass(frozen=True)
class OpenHold:
    call_id: UUID
    amount: int
    lifetime_ms: int


@dataclass(frozen=True)
class HoldRefused:
    """The wish, by its place, for which there is no room, and how much is left."""

    place: int
    left: int


def holds_reserve(
    *, tenant_id: UUID, call_id: UUID, wishes: Sequence[HoldWish], waiting: Iterable[UsageFacts]
) -> HoldRefused | None:
    """Reserve all of them, or none; None when it is done. `waiting` are the asking process's own
    events of the tenant that may not be in the ledger yet: they are put there first."""
    usage_record(waiting)
    tenant = Tenant.objects.get(pk=tenant_id)
    with in_schema(tenant), transaction.atomic():
        _take_turn(tenant_id)
        now = datetime.now(UTC)
        BudgetHold.objects.filter(tenant=tenant, expires_at__lte=now).delete()
        for place, wish in enumerate(wishes):
            left = _left(tenant, wish, now)
            if wish.amount > left:
                return HoldRefused(place, max(left, 0))
        BudgetHold.objects.bulk_create(
            BudgetHold(
                tenant=tenant,
                budget_id=wish.budget.id,
                call_id=call_id,
                amount=wish.amount,
                expires_at=now + _LEASE,
            )
            for wish in wishes
        )
        _generation_raise(tenant_id)
    return None


def holds_renew(call_ids: Collection[UUID]) -> None:
    """The calls are still running."""
    BudgetHold.objects.filter(call_id__in=call_ids).update(expires_at=datetime.now(UTC) + _LEASE)


def usage_record_beside(
    tenant_id: UUID, events: Sequence[UsageFacts], call_id: UUID | None
) -> None:
    """Put the tenant's events into the ledger past Valkey, and free what the call has held."""
    usage_record(events)
    with transaction.atomic():
        if call_id is not None:
            BudgetHold.objects.filter(call_id=call_id).delete()
        _generation_raise(tenant_id)


def holds_release(call_id: UUID) -> None:
    BudgetHold.objects.filter(call_id=call_id).delete()


def holds_open(tenant_id: UUID, budget_id: UUID) -> list[OpenHold]:
    now = datetime.now(UTC)
    rows = BudgetHold.objects.filter(tenant_id=tenant_id, budget_id=budget_id, expires_at__gt=now)
    return [
        OpenHold(row.call_id, row.amount, int((row.expires_at - now).total_seconds() * 1000))
        for row in rows
    ]


def _take_turn(tenant_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"budgets {tenant_id}"]
        )


def _left(tenant: Tenant, wish: HoldWish, now: datetime) -> int:
    budget = wish.budget
    period = period_at(budget.period, budget.time_zone, now)
    rows = BudgetHold.objects.filter(tenant=tenant, budget_id=budget.id)
    held = rows.aggregate(sum=Sum("amount"))["sum"] or 0
    return budget.amount - spent_in_ledger(budget, period) - int(held) - wish.others


def _generation_raise(tenant_id: UUID) -> None:
    """The configuration's version moves with it, so that no process goes on with the old one."""
    Tenant.objects.filter(pk=tenant_id).update(
        budget_generation=F("budget_generation") + 1, config_version=F("config_version") + 1
    )
