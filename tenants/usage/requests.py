"""Reading single requests: the last ones, and all that is known of one.

Rows stand in the order of their ids, which begin with the request's moment: no other index is
needed, neither for time, nor for a page, nor to find the attempts of a request.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from llmhub.base.errors import NotFound
from providers.billing import CostLine, cost_lines
from tenants.models import Tenant
from tenants.tenancy import in_schema
from tenants.usage.events import MAX_ATTEMPTS, event_id
from tenants.usage.models import UsageEvent
from tenants.usage.price_book import price_book, usage_of
from tenants.usage.texts import Texts, texts_open


@dataclass(frozen=True)
class RequestQuery:
    """What is not given is not asked for. `error` is an error kind or a result's code; `before` is
    the last request of the page before."""

    filters: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    is_failed: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: UUID | None = None


@dataclass(frozen=True)
class RequestRow:
    """A request's result, and its attempts in their order; the last one is the result's. None for
    a request that reached no provider."""

    result: UsageEvent
    attempts: tuple[UsageEvent, ...]


@dataclass(frozen=True)
class AttemptBill:
    """`lines` are of the price in force at the attempt's start, as it is known today; empty where
    they do not add up to what was charged then."""

    attempt: UsageEvent
    lines: tuple[CostLine, ...]


@dataclass(frozen=True)
class RequestDetails:
    row: RequestRow
    bills: tuple[AttemptBill, ...]
    texts: Texts | None


def request_list(
    tenant: Tenant, query: RequestQuery, *, limit: int
) -> tuple[list[RequestRow], bool]:
    """The latest first, and whether there are more."""
    with in_schema(tenant):
        found = list(_results(query).defer("sealed_text")[: limit + 1])
        page = found[:limit]
        return _with_attempts(page), len(found) > limit


def request_get(tenant: Tenant, request_id: UUID) -> RequestDetails:
    """Raises NotFound, also for a request of another tenant, and for one that is kept no longer."""
    with in_schema(tenant):
        rows = list(UsageEvent.objects.filter(**_of_request(request_id)).order_by("id"))
        if not rows:
            raise NotFound(
                "There is no such request, or it is kept no longer.", code="request_not_found"
            )
        result = next((row for row in rows if row.is_result), rows[-1])
        attempts = tuple(row for row in rows if row.attempt)
        bills = _bills(attempts)
    texts = texts_open(tenant, result.pk, result.sealed_text)
    return RequestDetails(RequestRow(result, attempts), bills, texts)


def _of_request(request_id: UUID) -> dict[str, UUID]:
    """By the ids of its attempts: they are indexed."""
    last = event_id(request_id, MAX_ATTEMPTS)
    return {"id__gte": request_id, "id__lte": last, "request_id": request_id}


def _results(query: RequestQuery) -> QuerySet[UsageEvent]:
    rows = UsageEvent.objects.filter(is_result=True, **query.filters).order_by("-id")
    if "request_id" in query.filters:
        rows = rows.filter(**_of_request(query.filters["request_id"]))
    if query.since is not None:
        rows = rows.filter(id__gte=_first_id(query.since))
    if query.until is not None:
        rows = rows.filter(id__lt=_first_id(query.until))
    if query.before is not None:
        rows = rows.filter(id__lt=query.before)
    if query.error:
        rows = rows.filter(Q(error_kind=query.error) | Q(result_code=query.error))
    if query.is_failed is not None:
        rows = rows.exclude(error_kind="") if query.is_failed else rows.filter(error_kind="")
    return rows


def _first_id(moment: datetime) -> UUID:
    """No request of that moment or later has a smaller id: RFC 9562, section 5.7."""
    return UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)


def _with_attempts(results: Iterable[UsageEvent]) -> list[RequestRow]:
    results = list(results)
    earlier = [
        event_id(row.request_id, number) for row in results for number in range(1, row.attempt)
    ]
    found: defaultdict[UUID, list[UsageEvent]] = defaultdict(list)
    if earlier:
        rows = UsageEvent.objects.filter(id__in=earlier).defer("sealed_text")
        for row in rows.order_by("id"):
            found[row.request_id].append(row)
    return [
        RequestRow(row, (*found[row.request_id], row) if row.attempt else ()) for row in results
    ]


def _bills(attempts: tuple[UsageEvent, ...]) -> tuple[AttemptBill, ...]:
    if not attempts:
        return ()
    book = price_book({a.llm_factory for a in attempts}, min(a.at for a in attempts))
    return tuple(_bill(attempt, book.in_force(attempt)) for attempt in attempts)


def _bill(attempt: UsageEvent, price: Any) -> AttemptBill:
    if price is None or not attempt.cost_usd:
        return AttemptBill(attempt, ())
    lines = cost_lines(usage_of(attempt), price)
    adds_up = round(sum(line.cost_usd for line in lines), 9) == attempt.cost_usd
    return AttemptBill(attempt, lines if adds_up else ())
