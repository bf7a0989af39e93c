"""What an application may know of its own token: limits, budgets, and what it has used this
month."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Sum

from llmhub.base.errors import NotFound
from tenants.limits.periods import PeriodKind, period_at
from tenants.limits.selectors import budget_json, limit_json
from tenants.limits.snapshot_parts import budgets_of, limits_of
from tenants.models import Tenant
from tenants.tenancy import in_schema
from tenants.usage.models import UsageHourly

_USED = ("requests", "failed_requests", "input_tokens", "output_tokens", "unpriced_attempts")


def token_overview(tenant_id: UUID, token_id: UUID) -> dict[str, Any]:
    """JSON-ready. Other tokens' limits and budgets are none of its business. Raises NotFound."""
    tenant = Tenant.objects.select_related("plan").filter(pk=tenant_id).first()
    if tenant is None:
        raise NotFound("This tenant no longer exists.")
    with in_schema(tenant):
        return {
            "tenant": {"name": tenant.name, "slug": tenant.slug, "time_zone": tenant.time_zone},
            "limits": [limit_json(tenant, v) for v in limits_of(tenant) if v.is_about(token_id)],
            "budgets": [budget_json(tenant, v) for v in budgets_of(tenant) if v.is_about(token_id)],
            "usage": _usage(tenant, token_id),
        }


def _usage(tenant: Tenant, token_id: UUID) -> dict[str, Any]:
    """Of the token, in the tenant's present month; a call is in it a second or two after its
    end."""
    month = period_at(PeriodKind.MONTH, tenant.time_zone, datetime.now(UTC))
    assert month.start is not None
    rows = UsageHourly.objects.order_by().filter(
        hour__gte=month.start, hour__lt=month.end, access_token_id=token_id
    )
    sums = rows.aggregate(cost=Sum("cost_usd"), **{name: Sum(name) for name in _USED})
    cost = sums["cost"]
    return {
        "since": month.start,
        **{name: int(sums[name] or 0) for name in _USED},
        "cost_usd": "0" if not cost else f"{cost.normalize():f}",
    }
