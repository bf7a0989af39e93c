"""What a tenant's models cost at any moment of a period: for explaining a bill, and for making it
again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from providers.pricing import PriceAt, price_in_force
from providers.protocols.usage import Usage
from providers.selectors import prices_since
from tenants.llms.models import TenantLLM
from tenants.llms.snapshot_build import own_prices
from tenants.models import SharedModel
from tenants.usage.models import UsageEvent
from tenants.usage.sums import KINDS

_ModelKey = tuple[UUID, str, str]


@dataclass(frozen=True)
class PriceBook:
    """`own` are the tenant's and the operator's prices, by connection, model and type; `catalog`
    the others, by factory and model."""

    own: dict[_ModelKey, tuple[PriceAt, ...]]
    catalog: dict[tuple[str, str], tuple[PriceAt, ...]]

    def in_force(self, event: UsageEvent) -> PriceAt | None:
        """In the order of precedence that the gateway has."""
        own = self.own.get((event.connection_id, event.llm_name, event.model_type), ())
        loaded = self.catalog.get((event.llm_factory, event.llm_name), ())
        return price_in_force((*own, *loaded), event.at)


def price_book(factories: Iterable[str], since: datetime) -> PriceBook:
    """In the tenant's schema."""
    own: dict[_ModelKey, tuple[PriceAt, ...]] = {}
    for row in TenantLLM.objects.filter(connection__isnull=False):
        assert row.connection_id is not None
        own[(row.connection_id, row.llm_name, row.model_type)] = own_prices(row)
    for shared in SharedModel.objects.all():
        key = (shared.connection_id, shared.llm_name, shared.model_type)
        own[key] = own_prices(shared)
    return PriceBook(own, prices_since(factories=set(factories), since=since))


def usage_of(event: UsageEvent) -> Usage:
    return Usage(**{kind: getattr(event, kind) for kind in KINDS})
