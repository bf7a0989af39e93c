"""Budgets: how much money or how many tokens in a period."""

from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError

from llmhub.base.errors import InvalidRequest, NotFound
from tenants.actors import Actor
from tenants.audit.services import tenant_change
from tenants.limits.counters import counters_forget
from tenants.limits.models import Budget
from tenants.limits.periods import PeriodKind
from tenants.limits.services.scopes import ScopeFacts, room_require, scope_check
from tenants.limits.units import MAX_AMOUNT, Unit, nano_usd, shown
from tenants.models import Plan, Tenant

DEFAULT_ALERT_SHARES = (50, 80, 100)
MAX_SHARES = 8


@dataclass(frozen=True)
class BudgetFacts:
    """What can be changed. `amount` is in nano-dollars or tokens; shares are percentages."""

    name: str
    amount: int
    is_hard: bool = True
    alert_shares: tuple[int, ...] = DEFAULT_ALERT_SHARES


def budget_create(
    *,
    tenant: Tenant,
    scope: ScopeFacts,
    unit: Unit,
    period: PeriodKind,
    facts: BudgetFacts,
    actor: Actor,
) -> Budget:
    """From the next call on it holds, and what was spent in its period already counts.

    Raises InvalidRequest naming the field, also for more than the tenant's plan grants, NotFound
    for a token or model that is not there, and Conflict.
    """
    scope = scope_check(tenant, scope)
    row = Budget(access_token_id=scope.access_token_id, model=scope.model, unit=unit, period=period)
    _set(row, facts)
    _require_within_plan(tenant.plan, row)
    with tenant_change(tenant=tenant, actor=actor, action="budget.create") as change:
        room_require(Budget.objects.count(), Budget)
        row.save(force_insert=True)
        change.about("budget", row.pk, row.name)
        change.after = budget_facts_json(row)
    return row


def budget_update(*, tenant: Tenant, budget_id: UUID, facts: BudgetFacts, actor: Actor) -> Budget:
    """Whose calls it is about, its unit and its period do not change: they are what was counted.
    Raises NotFound and InvalidRequest."""
    with tenant_change(tenant=tenant, actor=actor, action="budget.update") as change:
        row = _locked(budget_id)
        change.about("budget", row.pk, row.name)
        change.before = budget_facts_json(row)
        _set(row, facts)
        _require_within_plan(tenant.plan, row)
        change.after = budget_facts_json(row)
        if change.before == change.after:
            change.nothing_changed()
        else:
            row.save()
    return row


def budget_delete(*, tenant: Tenant, budget_id: UUID, actor: Actor) -> None:
    """Raises NotFound."""
    with tenant_change(tenant=tenant, actor=actor, action="budget.delete") as change:
        row = _locked(budget_id)
        change.about("budget", row.pk, row.name)
        change.before = budget_facts_json(row)
        row.delete()
    counters_forget(tenant.pk, budget_id)


def budget_facts_json(row: Budget) -> dict[str, object]:
    token_id = None if row.access_token_id is None else str(row.access_token_id)
    return {
        "name": row.name,
        "access_token_id": token_id,
        "model": row.model,
        "period": str(row.period),
        "amount": shown(row.amount, Unit(row.unit)),
        "is_hard": row.is_hard,
        "alert_shares": row.alert_shares,
    }


def _set(row: Budget, facts: BudgetFacts) -> None:
    shares = sorted(set(facts.alert_shares))
    if len(shares) > MAX_SHARES or any(not 1 <= share <= 100 for share in shares):
        raise InvalidRequest(
            f"alert_shares: up to {MAX_SHARES} percentages from 1 to 100.", field="alert_shares"
        )
    if not 1 <= facts.amount <= MAX_AMOUNT:
        most = shown(MAX_AMOUNT, Unit(row.unit))
        raise InvalidRequest(f"amount: above 0, and {most} at most.", field="amount")
    row.name, row.amount, row.is_hard = facts.name.strip(), facts.amount, facts.is_hard
    row.alert_shares = ",".join(map(str, shares))
    try:
        row.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidRequest(f"{field}: {' '.join(messages)}", field=field) from None


def _locked(budget_id: UUID) -> Budget:
    row = Budget.objects.select_for_update().filter(pk=budget_id).first()
    if row is None:
        raise NotFound("There is no such budget.", code="budget_not_found")
    return row


def _require_within_plan(plan: Plan | None, row: Budget) -> None:
    """Only periods that are equal can be compared; the plan's own budget holds in any case."""
    if plan is None:
        return
    is_money = row.unit == Unit.USD
    granted = plan.budget_tokens
    if is_money:
        granted = None if plan.budget_usd is None else nano_usd(plan.budget_usd)
    period = plan.budget_usd_period if is_money else plan.budget_tokens_period
    if granted is not None and row.period == period and row.amount > granted:
        raise InvalidRequest(
            f"amount: your plan grants {shown(granted, Unit(row.unit))} for this period. "
            "Choose less, or ask the operator for another plan.",
            field="amount",
            code="above_plan",
        )
