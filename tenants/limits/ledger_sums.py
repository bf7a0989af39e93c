"""What the ledger says was spent under a budget: the truth that the counters are made from.

Its sums by the hour have the tenant's days in them, whole (tenants/usage/models.py), and stay when
old events are dropped; a budget for good reads those by the day.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum

from tenants.limits.periods import Period
from tenants.limits.units import Unit, nano_usd
from tenants.snapshots import BudgetView
from tenants.usage.models import UsageDaily, UsageEvent, UsageHourly

_RECENT = timedelta(hours=1)


def spent_in_ledger(budget: BudgetView, period: Period) -> int:
    """In the tenant's schema: nano-dollars or tokens that were used in the period by the calls that
    the budget is about."""
    rows = _sums(period)
    if budget.token_id is not None:
        rows = rows.filter(access_token_id=budget.token_id)
    if budget.model:
        rows = rows.filter(_is_model(budget.model))
    if budget.unit is Unit.TOKENS:
        tokens = rows.aggregate(sum=Sum(F("input_tokens") + F("output_tokens")))["sum"]
        return int(tokens or 0)
    cost = rows.aggregate(sum=Sum("cost_usd"))["sum"]
    return nano_usd(cost) if cost else 0


def calls_in_ledger(call_ids: Collection[UUID]) -> set[UUID]:
    """In the tenant's schema: those of the calls, all of the last hour, that are there."""
    if not call_ids:
        return set()
    since = datetime.now(UTC) - _RECENT
    rows = UsageEvent.objects.filter(at__gte=since, request_id__in=call_ids)
    return set(rows.values_list("request_id", flat=True))


def _sums(period: Period) -> QuerySet[Any]:
    if period.start is None or period.end is None:
        return UsageDaily.objects.order_by()
    return UsageHourly.objects.order_by().filter(hour__gte=period.start, hour__lt=period.end)


def _is_model(name: str) -> Q:
    """`model@factory` or `model@connection@factory`; a model's own name may hold an @ too."""
    left, _, factory = name.rpartition("@")
    model, _, connection = left.rpartition("@")
    return Q(llm_factory=factory) & (
        Q(llm_name=left) | Q(llm_name=model, connection_name=connection)
    )
