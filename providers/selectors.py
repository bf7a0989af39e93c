"""Reading the catalog. Everything comes back as frozen values; nothing here is lazy."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from llmhub.base.errors import NotFound
from llmhub.base.model_types import ModelType
from providers.models import LLM, PRICE_FIGURES, LLMFactory, Price, PriceSource
from providers.pricing import PriceAt, PriceFigures, price_in_force, tier_read
from providers.protocols.wire import KnownModel


@dataclass(frozen=True)
class Endpoint:
    """`base_url` is empty where the tenant's connection must name one or the protocol knows it."""

    protocol: str
    base_url: str


@dataclass(frozen=True)
class CatalogFactory:
    """`credential_fields` are mappings with the keys of `providers.shapes.CREDENTIAL_KEYS`, and
    `regions` such as `validate_regions` there wants."""

    name: str
    logo: str
    tags: tuple[str, ...]
    rank: int
    is_active: bool
    endpoints: Mapping[ModelType, Endpoint]
    regions: tuple[Mapping[str, Any], ...]
    credential_fields: tuple[Mapping[str, Any], ...]
    is_local: bool
    base_url_required: bool
    docs_url: str

    @property
    def model_types(self) -> tuple[ModelType, ...]:
        """The types that an endpoint serves, in the order of `ModelType`."""
        return tuple(model_type for model_type in ModelType if model_type in self.endpoints)


@dataclass(frozen=True)
class CatalogModel:
    factory: str
    llm_name: str
    model_types: tuple[ModelType, ...]
    capabilities: frozenset[str]
    context_tokens: int | None
    max_output_tokens: int | None
    is_active: bool
    deprecated_on: date | None


def factory_list(*, active_only: bool = True) -> list[CatalogFactory]:
    """The highest rank first, then by name."""
    rows = LLMFactory.objects.order_by("-rank", "name")
    if active_only:
        rows = rows.filter(is_active=True)
    return [_factory(row) for row in rows]


def factory_get(*, name: str, active_only: bool = False) -> CatalogFactory:
    """Raises NotFound; with `active_only` also for a factory that the operator switched off."""
    row = LLMFactory.objects.filter(name=name).first()
    if row is None or (active_only and not row.is_active):
        raise NotFound(
            f"Unknown factory '{name}'. GET /llm/factories lists them.", code="factory_not_found"
        )
    return _factory(row)


def catalog_models(*, factory: str, active_only: bool = True) -> list[CatalogModel]:
    """The factory's models by name. Raises NotFound for an unknown factory."""
    rows = LLM.objects.filter(factory__name=factory).select_related("factory").order_by("llm_name")
    if active_only:
        rows = rows.filter(is_active=True)
    models = [_model(row) for row in rows]
    if not models:
        factory_get(name=factory)
    return models


def catalog_llm(*, factory: str, llm_name: str) -> CatalogModel | None:
    """One model, active or not; None where the catalog does not know it."""
    row = LLM.objects.filter(factory__name=factory, llm_name=llm_name).select_related("factory")
    found = row.first()
    return _model(found) if found else None


def known_models(*, factories: Collection[str]) -> dict[tuple[str, str], KnownModel]:
    """By (factory, model): what a protocol may need to know of the catalog's models. A model whose
    capabilities nobody has listed may have any."""
    rows = LLM.objects.filter(factory__name__in=factories)
    return {
        (factory, name): KnownModel(limit, frozenset(capabilities) if capabilities else None)
        for factory, name, limit, capabilities in rows.values_list(
            "factory__name", "llm_name", "max_output_tokens", "capabilities"
        )
    }


def price_at(*, factory: str, llm_name: str, moment: datetime) -> PriceAt | None:
    """What the model costs at that moment; None where no price holds."""
    rows = Price.objects.filter(llm__factory__name=factory, llm__llm_name=llm_name)
    prices = [_price(row) for row in _in_order_of_precedence(rows)]
    return price_in_force(prices, moment)


def prices_since(
    *, factories: Collection[str], since: datetime
) -> dict[tuple[str, str], tuple[PriceAt, ...]]:
    """By (factory, model): the prices that hold at `since` or later, for `price_in_force`."""
    rows = Price.objects.filter(llm__factory__name__in=factories).select_related("llm__factory")
    rows = rows.filter(Q(valid_until=None) | Q(valid_until__gt=since))
    found: dict[tuple[str, str], tuple[PriceAt, ...]] = {}
    for row in _in_order_of_precedence(rows):
        key = (row.llm.factory.name, row.llm.llm_name)
        found[key] = (*found.get(key, ()), _price(row))
    return found


def _in_order_of_precedence(rows: QuerySet[Price]) -> QuerySet[Price]:
    """One that is set by hand comes before the loaded ones; of equals the one that began last."""
    is_hand = Case(
        When(source=PriceSource.HAND, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    return rows.order_by(is_hand, F("valid_from").desc(), "source")


def _factory(row: LLMFactory) -> CatalogFactory:
    return CatalogFactory(
        name=row.name,
        logo=row.logo,
        tags=tuple(row.tags),
        rank=row.rank,
        is_active=row.is_active,
        endpoints={
            ModelType(model_type): Endpoint(endpoint["protocol"], endpoint["base_url"])
            for model_type, endpoint in row.endpoints.items()
        },
        regions=tuple(row.regions),
        credential_fields=tuple(row.credential_fields),
        is_local=row.is_local,
        base_url_required=row.base_url_required,
        docs_url=row.docs_url,
    )


def _model(row: LLM) -> CatalogModel:
    return CatalogModel(
        factory=row.factory.name,
        llm_name=row.llm_name,
        model_types=tuple(ModelType(model_type) for model_type in row.model_types),
        capabilities=frozenset(row.capabilities),
        context_tokens=row.context_tokens,
        max_output_tokens=row.max_output_tokens,
        is_active=row.is_active,
        deprecated_on=row.deprecated_on,
    )


def _price(row: Price) -> PriceAt:
    figures = PriceFigures(**{figure: getattr(row, figure) for figure in PRICE_FIGURES})
    return PriceAt(
        figures=figures,
        source=row.source,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        tiers=tuple(tier_read(tier, figures) for tier in row.tiers),
    )
