"""Reading what was used and spent, from the sums alone."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, Sum

from tenants.models import Tenant
from tenants.tenancy import in_schema
from tenants.usage.models import UsageHourly


class Spent(NamedTuple):
    """Tokens in and out, and USD; what has no price adds nothing to the cost."""

    tokens: int
    cost_usd: Decimal


def usage_spent(
    tenant: Tenant,
    *,
    since: datetime | None,
    until: datetime | None = None,
    token_id: UUID | None = None,
    model: str | None = None,
) -> Spent:
    """What the ledger holds of [`since`, `until`), of one token or one model (by its name, on every
    connection) where they are given. None is open.

    Exact where both moments begin an hour, or a day in the tenant's time zone.
    """
    conditions = {
        "hour__gte": since,
        "hour__lt": until,
        "access_token_id": token_id,
        "llm_name": model,
    }
    with in_schema(tenant):
        rows = UsageHourly.objects.filter(
            **{name: value for name, value in conditions.items() if value is not None}
        )
        found = rows.aggregate(
            tokens=Sum(F("input_tokens") + F("output_tokens")), cost=Sum("cost_usd")
        )
    return Spent(int(found["tokens"] or 0), found["cost"] or Decimal(0))
