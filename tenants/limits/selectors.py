"""Reading limits and budgets, with what is used of them now."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from llmhub.base.errors import NotFound
from tenants.limits.consumption import consumption_of, pace_of
from tenants.limits.snapshot_parts import budgets_of, limits_of
from tenants.limits.units import Unit, usd
from tenants.models import Tenant
from tenants.snapshots import BudgetView, LimitView
from tenants.tenancy import in_schema

TokenLimits = dict[str, dict[str, list[dict[str, Any]]]]


def limit_list(*, tenant: Tenant) -> list[dict[str, Any]]:
    """The plan's first, then the tenant's own, the oldest first."""
    with in_schema(tenant):
        return [limit_json(tenant, view) for view in limits_of(tenant)]


def limit_get(*, tenant: Tenant, limit_id: UUID) -> dict[str, Any]:
    """Raises NotFound."""
    found = next((row for row in limit_list(tenant=tenant) if row["id"] == str(limit_id)), None)
    if found is None:
        raise NotFound("There is no such limit.", code="limit_not_found")
    return found


def budget_list(*, tenant: Tenant) -> list[dict[str, Any]]:
    """The plan's first, then the tenant's own, the oldest first."""
    with in_schema(tenant):
        return [budget_json(tenant, view) for view in budgets_of(tenant)]


def budget_get(*, tenant: Tenant, budget_id: UUID) -> dict[str, Any]:
    """Raises NotFound."""
    with in_schema(tenant):
        found = next((view for view in budgets_of(tenant) if view.id == budget_id), None)
        if found is None:
            raise NotFound("There is no such budget.", code="budget_not_found")
        return budget_json(tenant, found)


def token_limits(*, tenant: Tenant) -> TokenLimits:
    """By token id: the limits and budgets that are about this token alone."""
    found: TokenLimits = {}
    with in_schema(tenant):
        for limit in limits_of(tenant):
            if limit.token_id is not None:
                _of(found, limit.token_id)["limits"].append(limit_json(tenant, limit))
        for budget in budgets_of(tenant):
            if budget.token_id is not None:
                _of(found, budget.token_id)["budgets"].append(budget_json(tenant, budget))
    return found


def limit_json(tenant: Tenant, limit: LimitView) -> dict[str, Any]:
    pace = pace_of(tenant.pk, limit)
    return {
        "id": str(limit.id),
        "access_token_id": None if limit.token_id is None else str(limit.token_id),
        "model": limit.model,
        "requests_per_minute": limit.requests_per_minute,
        "tokens_per_minute": limit.tokens_per_minute,
        "concurrency": limit.concurrency,
        "is_plans": limit.is_plans,
        "used": {"requests": pace.requests, "tokens": pace.tokens, "running": pace.running},
    }


def budget_json(tenant: Tenant, budget: BudgetView) -> dict[str, Any]:
    """In the tenant's schema."""
    now = consumption_of(tenant, budget)
    left = max(budget.amount - now.spent - now.reserved, 0)
    return {
        "id": str(budget.id),
        "name": budget.name,
        "access_token_id": None if budget.token_id is None else str(budget.token_id),
        "model": budget.model,
        "unit": budget.unit.value,
        "amount": amount_json(budget.amount, budget.unit),
        "period": budget.period.value,
        "is_hard": budget.is_hard,
        "alert_shares": list(budget.alert_shares),
        "is_plans": budget.is_plans,
        "spent": amount_json(now.spent, budget.unit),
        "reserved": amount_json(now.reserved, budget.unit),
        "left": amount_json(left, budget.unit),
        "starts_at": now.period.start,
        "resets_at": now.period.end,
    }


def amount_json(amount: int, unit: Unit) -> str:
    """Exact, whatever reads the JSON: `12.5`, `1000`."""
    if unit is Unit.TOKENS:
        return str(amount)
    return f"{usd(amount).normalize() + Decimal(0):f}"


def _of(found: TokenLimits, token_id: UUID) -> dict[str, list[dict[str, Any]]]:
    return found.setdefault(str(token_id), {"limits": [], "budgets": []})
