"""Making bills again: the one way in which a price may reach the past, and only when told to.

For models that had no price when they were called, and for prices that were wrong. The price in
force at an attempt's start counts, as it is known today.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction

from providers.billing import NO_COST, settled_cost
from tenants.actors import Actor
from tenants.audit.services import Change, tenant_change
from tenants.budget_generations import budgets_recount
from tenants.models import Tenant
from tenants.tenancy import in_schema
from tenants.usage.ledger import ledger_lock
from tenants.usage.models import UsageEvent
from tenants.usage.price_book import PriceBook, price_book, usage_of
from tenants.usage.rollups import has_all_events, sums_replace, usage_days
from tenants.usage.sums import table

_AT_ONCE = 5_000
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rerated:
    """What changes for one model: attempts, those among them that get a price or lose theirs, and
    the cost of all that change, before and after."""

    attempts: int = 0
    now_priced: int = 0
    now_unpriced: int = 0
    before_usd: Decimal = NO_COST
    after_usd: Decimal = NO_COST

    def __add__(self, other: "Rerated") -> "Rerated":
        return Rerated(
            self.attempts + other.attempts,
            self.now_priced + other.now_priced,
            self.now_unpriced + other.now_unpriced,
            self.before_usd + other.before_usd,
            self.after_usd + other.after_usd,
        )

    def as_json(self) -> dict[str, object]:
        return {
            "attempts": self.attempts,
            "now_priced": self.now_priced,
            "now_unpriced": self.now_unpriced,
            "before_usd": f"{self.before_usd:.9f}",
            "after_usd": f"{self.after_usd:.9f}",
        }


ByModel = dict[str, Rerated]


def usage_rerate(
    *,
    tenant: Tenant,
    since: date,
    until: date,
    model: str = "",
    is_applied: bool,
    actor: Actor,
) -> ByModel:
    """What bills of [`since`, `until`], days in UTC, would be if they were made today, by
    `model@factory`; only of the model of that name, where one is given.

    With `is_applied` they are changed, with every sum, a day in each transaction, with its audit
    row. It can be stopped and run again: what is changed already does not change again.
    """
    found: defaultdict[str, Rerated] = defaultdict(Rerated)
    for day in usage_days(tenant):
        if since <= day <= until:
            for name, rerated in _day(tenant, day, model, is_applied, actor).items():
                found[name] += rerated
    return dict(found)


def _day(tenant: Tenant, day: date, model: str, is_applied: bool, actor: Actor) -> ByModel:
    with _unit(tenant, actor) if is_applied else _looking(tenant) as change:
        zone = ledger_lock(tenant.pk) if is_applied else ""
        if is_applied and not has_all_events(tenant, day):
            # Its sums could not be made again.
            assert change is not None
            change.about("usage", day, f"{day}")
            change.nothing_changed()
            return {}
        changed = list(_changes(day, model))
        found: defaultdict[str, Rerated] = defaultdict(Rerated)
        for new in changed:
            found[f"{new.event.llm_name}@{new.event.llm_factory}"] += new.as_rerated()
        if change is not None:
            _apply(tenant, day, zone, changed, change, found)
    return dict(found)


def _unit(tenant: Tenant, actor: Actor) -> "AbstractContextManager[Change | None]":
    return tenant_change(tenant=tenant, actor=actor, action="usage.rerate")


@contextmanager
def _looking(tenant: Tenant) -> Iterator[Change | None]:
    with in_schema(tenant), transaction.atomic():
        yield None


@dataclass(frozen=True)
class _New:
    event: UsageEvent
    cost_usd: Decimal | None
    source: str

    def as_rerated(self) -> Rerated:
        old = self.event.cost_usd
        return Rerated(
            attempts=1,
            now_priced=int(old is None and self.cost_usd is not None),
            now_unpriced=int(old is not None and self.cost_usd is None),
            before_usd=old or NO_COST,
            after_usd=self.cost_usd or NO_COST,
        )


def _changes(day: date, model: str) -> Iterator[_New]:
    since = datetime.combine(day, time.min, UTC)
    rows = UsageEvent.objects.filter(at__gte=since, at__lt=since + _ONE_DAY, attempt__gt=0)
    if model:
        rows = rows.filter(llm_name=model)
    factories = rows.order_by().values_list("llm_factory", flat=True).distinct()
    book = price_book(factories, since)
    for event in rows.defer("sealed_text").order_by("id").iterator(_AT_ONCE):
        new = _new(event, book)
        if new.cost_usd != event.cost_usd:
            yield new


def _new(event: UsageEvent, book: PriceBook) -> _New:
    price = book.in_force(event)
    cost = settled_cost(usage_of(event), price, has_failed=bool(event.error_kind))
    source = price.source if price is not None and cost is not None else ""
    return _New(event, cost, source)


def _apply(
    tenant: Tenant,
    day: date,
    zone: str,
    changed: Iterable[_New],
    change: Change,
    found: ByModel,
) -> None:
    change.about("usage", day, f"{day}")
    if not found:
        change.nothing_changed()
        return
    ids: list[UUID] = []
    costs: list[Decimal | None] = []
    sources: list[str] = []
    for new in changed:
        ids.append(new.event.pk)
        costs.append(new.cost_usd)
        sources.append(new.source)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table(UsageEvent)} AS e SET cost_usd = n.cost_usd, price_source = n.source"  # noqa: S608
            " FROM unnest(%s::uuid[], %s::numeric[], %s::text[]) AS n (id, cost_usd, source)"
            " WHERE e.id = n.id",
            [ids, costs, sources],
        )
    sums_replace(tenant, day, zone)
    budgets_recount(tenant.pk)
    change.after = {"models": {name: rerated.as_json() for name, rerated in found.items()}}
