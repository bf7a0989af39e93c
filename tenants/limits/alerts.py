"""Telling people that a budget has reached a share of its amount: once for each share and period.

The gateway leaves a mark (alert_marks.py); `budget_alerts_raise` looks at the budget and adds a row
for each share that is reached, which the database lets in once. `alerts_due` and the two ways out,
mail and webhook, then take each row as often as it needs. A row is taken up by moving its next
attempt into the future with a condition, so two workers never send the same one; a worker that dies
in between leaves it to the next attempt.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db.models import F, Q

from tenants.limits.consumption import consumption_of
from tenants.limits.selectors import amount_json
from tenants.limits.snapshot_parts import budgets_of
from tenants.models import AlertTarget, BudgetAlert, Tenant
from tenants.snapshots import BudgetView
from tenants.tenancy import in_schema

Way = Literal["mail", "hook"]

MAX_ATTEMPTS = 12
"""With the waits between them about nine hours."""
_LEASE = timedelta(seconds=120)
_FIRST_WAIT_S = 10
_LONGEST_WAIT_S = 3600
_AT_ONCE = 100


@dataclass(frozen=True)
class DueAlert:
    id: UUID
    tenant_id: UUID
    way: Way
    content: dict[str, Any]
    attempts: int


def budget_alerts_raise(tenant_id: UUID, budget_id: UUID) -> int:
    """Note each share that the budget has reached and nobody was told about; gives how many."""
    tenant = Tenant.objects.select_related("plan").filter(pk=tenant_id).first()
    if tenant is None:
        return 0
    with in_schema(tenant):
        budget = next((view for view in budgets_of(tenant) if view.id == budget_id), None)
        if budget is None:
            return 0
        now = consumption_of(tenant, budget)
    reached = [s for s in budget.alert_shares if now.spent * 100 >= s * budget.amount]
    known = BudgetAlert.objects.filter(
        tenant=tenant, budget_id=budget.id, period_key=now.period.key, share__in=reached
    )
    new = set(reached) - set(known.values_list("share", flat=True))
    rows = [
        _row(tenant, budget, share, now.period.key, now.spent, now.period.end)
        for share in sorted(new)
    ]
    return len(BudgetAlert.objects.bulk_create(rows, ignore_conflicts=True))


def alerts_due() -> list[DueAlert]:
    """Take up what is to be sent now: nobody else does for two minutes."""
    now = datetime.now(UTC)
    waiting = BudgetAlert.objects.filter(Q(mail_next_at__lte=now) | Q(hook_next_at__lte=now))
    due: list[DueAlert] = []
    for row in waiting.order_by("at")[:_AT_ONCE]:
        if row.mail_next_at is not None and row.mail_next_at <= now:
            due += _taken(row, "mail", row.mail_next_at, row.mail_attempts)
        if row.hook_next_at is not None and row.hook_next_at <= now:
            due += _taken(row, "hook", row.hook_next_at, row.hook_attempts)
    return due


def alert_sent(alert: DueAlert) -> None:
    done = {f"{alert.way}_done_at": datetime.now(UTC), f"{alert.way}_next_at": None}
    BudgetAlert.objects.filter(pk=alert.id).update(**done)


def alert_failed(alert: DueAlert, reason: str) -> None:
    """Try again after a wait that doubles, or give up."""
    next_at = None
    if alert.attempts < MAX_ATTEMPTS:
        wait_s = min(_FIRST_WAIT_S * 2 ** (alert.attempts - 1), _LONGEST_WAIT_S)
        next_at = datetime.now(UTC) + timedelta(seconds=wait_s)
    changes: dict[str, Any] = {f"{alert.way}_next_at": next_at}
    if alert.way == "hook":
        changes["hook_error"] = reason[:200]
    BudgetAlert.objects.filter(pk=alert.id).update(**changes)


def _taken(row: BudgetAlert, way: Way, expected: datetime, attempts: int) -> list[DueAlert]:
    mine = BudgetAlert.objects.filter(pk=row.pk, **{f"{way}_next_at": expected})
    later = {
        f"{way}_next_at": datetime.now(UTC) + _LEASE,
        f"{way}_attempts": F(f"{way}_attempts") + 1,
    }
    if not mine.update(**later):
        return []
    return [DueAlert(row.pk, row.tenant_id, way, row.content, attempts + 1)]


def _row(
    tenant: Tenant,
    budget: BudgetView,
    share: int,
    period_key: str,
    spent: int,
    resets_at: datetime | None,
) -> BudgetAlert:
    now = datetime.now(UTC)
    hooks = AlertTarget.objects.filter(tenant=tenant).exclude(webhook_url="")
    return BudgetAlert(
        tenant=tenant,
        budget_id=budget.id,
        period_key=period_key,
        share=share,
        content={
            "type": "budget.share_reached",
            "tenant": tenant.slug,
            "share": share,
            "is_hard": budget.is_hard,
            "budget": {
                "id": str(budget.id),
                "name": budget.name,
                "unit": budget.unit.value,
                "amount": amount_json(budget.amount, budget.unit),
                "spent": amount_json(spent, budget.unit),
                "period": budget.period.value,
                "resets_at": resets_at.isoformat() if resets_at else None,
            },
        },
        at=now,
        mail_next_at=now,
        hook_next_at=now if hooks.exists() else None,
    )
