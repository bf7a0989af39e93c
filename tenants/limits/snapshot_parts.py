"""A tenant's limits and budgets as the gateway sees them: its own, and those of its plan."""

from collections.abc import Iterator
from uuid import uuid5

from tenants.limits.models import Budget, Limit
from tenants.limits.periods import PeriodKind
from tenants.limits.units import Unit, nano_usd
from tenants.models import Plan, Tenant
from tenants.snapshots import BudgetView, LimitView

PLAN_ALERT_SHARES = (80, 100)


def limits_of(tenant: Tenant) -> tuple[LimitView, ...]:
    """In the tenant's schema. The plan's come first."""
    return (*_plans_limits(tenant.plan), *map(limit_view, Limit.objects.all()))


def budgets_of(tenant: Tenant) -> tuple[BudgetView, ...]:
    """In the tenant's schema. The plan's come first."""
    own = (budget_view(budget, tenant) for budget in Budget.objects.all())
    return (*_plans_budgets(tenant), *own)


def limit_view(row: Limit) -> LimitView:
    return LimitView(
        id=row.pk,
        token_id=row.access_token_id,
        model=row.model,
        is_plans=False,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        concurrency=row.concurrency,
    )


def budget_view(row: Budget, tenant: Tenant) -> BudgetView:
    return BudgetView(
        id=row.pk,
        token_id=row.access_token_id,
        model=row.model,
        is_plans=False,
        name=row.name,
        unit=Unit(row.unit),
        amount=row.amount,
        period=PeriodKind(row.period),
        time_zone=tenant.time_zone,
        is_hard=row.is_hard,
        alert_shares=shares_parse(row.alert_shares),
    )


def shares_parse(text: str) -> tuple[int, ...]:
    return tuple(sorted({int(word) for word in text.split(",") if word}))


def _plans_limits(plan: Plan | None) -> Iterator[LimitView]:
    if plan is None or not (plan.requests_per_minute or plan.tokens_per_minute or plan.concurrency):
        return
    yield LimitView(
        id=plan.pk,
        token_id=None,
        model="",
        is_plans=True,
        requests_per_minute=plan.requests_per_minute,
        tokens_per_minute=plan.tokens_per_minute,
        concurrency=plan.concurrency,
    )


def _plans_budgets(tenant: Tenant) -> Iterator[BudgetView]:
    plan = tenant.plan
    if plan is not None and plan.budget_usd is not None:
        yield _plans_budget(
            tenant, plan, Unit.USD, nano_usd(plan.budget_usd), plan.budget_usd_period
        )
    if plan is not None and plan.budget_tokens is not None:
        yield _plans_budget(
            tenant, plan, Unit.TOKENS, plan.budget_tokens, plan.budget_tokens_period
        )


def _plans_budget(tenant: Tenant, plan: Plan, unit: Unit, amount: int, period: str) -> BudgetView:
    """One id for each of a plan's two budgets: counters and alerts are kept by it."""
    return BudgetView(
        id=uuid5(plan.pk, unit),
        token_id=None,
        model="",
        is_plans=True,
        name=f"plan {plan.name}",
        unit=unit,
        amount=amount,
        period=PeriodKind(period),
        time_zone=tenant.time_zone,
        is_hard=True,
        alert_shares=PLAN_ALERT_SHARES,
    )
