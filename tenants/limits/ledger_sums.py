"""What the ledger says was spent under a budget: the truth that the counters are made from."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum

from providers.pricing import PriceAt, cost_usd, price_in_force
from providers.protocols.usage import Usage
from providers.selectors import prices_since
from tenants.limits.periods import Period
from tenants.limits.units import Unit, nano_usd
from tenants.snapshots import BudgetView
from tenants.usage.models import UsageEvent

_RECENT = timedelta(hours=1)
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


def spent_in_ledger(budget: BudgetView, period: Period) -> int:
    """In the tenant's schema: nano-dollars or tokens of the period's events that the budget is
    about."""
    events = _events(budget, period)
    if budget.unit is Unit.TOKENS:
        tokens = events.aggregate(sum=Sum(F("input_tokens") + F("output_tokens")))["sum"]
        return int(tokens or 0)
    return sum(map(nano_usd, _priced(events)))


def calls_in_ledger(call_ids: Collection[UUID]) -> set[UUID]:
    """In the tenant's schema: those of the calls, all of the last hour, that are there."""
    if not call_ids:
        return set()
    since = datetime.now(UTC) - _RECENT
    rows = UsageEvent.objects.filter(at__gte=since, request_id__in=call_ids)
    return set(rows.values_list("request_id", flat=True))


def _priced(events: QuerySet[UsageEvent]) -> Iterator[Decimal]:
    """What each event cost by the price of its moment."""
    prices: dict[str, dict[tuple[str, str], tuple[PriceAt, ...]]] = {}
    for event in events.iterator(chunk_size=2_000):
        if event.llm_factory not in prices:
            known = prices_since(factories=[event.llm_factory], since=_BEGINNING)
            prices[event.llm_factory] = dict(known)
        usage = Usage(
            event.input_tokens, event.output_tokens, event.cached_tokens, event.reasoning_tokens
        )
        found = prices[event.llm_factory].get((event.llm_factory, event.llm_name), ())
        cost = cost_usd(usage, price_in_force(found, event.at))
        if cost is not None:
            yield cost


def _events(budget: BudgetView, period: Period) -> QuerySet[UsageEvent]:
    events = UsageEvent.objects.order_by()
    if period.start is not None and period.end is not None:
        events = events.filter(at__gte=period.start, at__lt=period.end)
    if budget.token_id is not None:
        events = events.filter(access_token_id=budget.token_id)
    if budget.model:
        events = events.filter(_is_model(budget.model))
    return events


def _is_model(name: str) -> Q:
    """`model@factory` or `model@connection@factory`; a model's own name may hold an @ too."""
    left, _, factory = name.rpartition("@")
    model, _, connection = left.rpartition("@")
    return Q(llm_factory=factory) & (
        Q(llm_name=left) | Q(llm_name=model, connection_name=connection)
    )
