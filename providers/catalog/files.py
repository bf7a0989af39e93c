"""The catalog's files: one JSON file per factory, with its models and their prices.

`revised` is the day on which a file was last edited. A load leaves a factory alone that has already
been loaded from a younger file, so an update is not undone by the files of an older release.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.core.validators import URLValidator

from llmhub.base.model_types import ModelType
from providers.catalog.reader import CatalogError, ObjectReader, json_read
from providers.catalog.sources import KnownAs, fact_sources_read, known_as_read
from providers.models import (
    ALWAYS,
    MAX_RANK,
    MAX_TOKENS,
    PRICE_FIGURES,
    Capability,
    PriceSource,
    Tag,
)
from providers.names import validate_factory_name, validate_name
from providers.shapes import (
    CREDENTIAL_KEYS,
    validate_credential_fields,
    validate_endpoints,
    validate_logo,
    validate_regions,
    validate_tiers,
)

SHIPPED = Path(__file__).parent / "factories"

_FILE_SOURCES = frozenset({PriceSource.SHIPPED.value, PriceSource.GENAI_PRICES.value})
_OPTIONAL_TEXTS = ("pattern", "placeholder", "help")


@dataclass(frozen=True)
class PriceEntry:
    figures: dict[str, Decimal | None]
    tiers: list[dict[str, Any]]
    valid_from: datetime
    valid_until: datetime | None
    source: str
    source_note: str


@dataclass(frozen=True)
class ModelEntry:
    llm_name: str
    model_types: tuple[str, ...]
    capabilities: tuple[str, ...]
    context_tokens: int | None
    max_output_tokens: int | None
    is_active: bool
    deprecated_on: date | None
    sources: dict[str, str]
    prices: tuple[PriceEntry, ...]


@dataclass(frozen=True)
class FactoryEntry:
    """`known_as` is for those who refresh the file and for price syncs; it is no column."""

    name: str
    revised: date
    logo: str
    tags: tuple[str, ...]
    rank: int
    is_active: bool
    endpoints: dict[str, Any]
    regions: list[dict[str, Any]]
    credential_fields: list[dict[str, Any]]
    is_local: bool
    base_url_required: bool
    docs_url: str
    known_as: dict[str, KnownAs]
    models: tuple[ModelEntry, ...]


def catalog_read(source: Path) -> list[FactoryEntry]:
    """The factories of one file, or of every `*.json` file in a folder, in the order of the names.

    Raises CatalogError, which names the file, the factory and the field.
    """
    paths = sorted(source.glob("*.json")) if source.is_dir() else [source]
    if not paths:
        raise CatalogError(f"{source.name}: holds no *.json file")
    entries = [_factory(json_read(path)) for path in paths]
    _refuse_doubles("factory", (entry.name for entry in entries), source.name)
    return entries


def _factory(reader: ObjectReader) -> FactoryEntry:
    name = reader.text("name", check=validate_factory_name)
    if not name:
        raise reader.fail("name", "is empty")
    reader.within(name)
    revised = reader.day("revised")
    if revised is None:
        raise reader.fail("revised", "is empty")
    entry = FactoryEntry(
        name=name,
        revised=revised,
        logo=reader.text("logo", check=validate_logo),
        tags=reader.words("tags", Tag),
        rank=reader.integer("rank", 0, MAX_RANK) or 0,
        is_active=reader.flag("is_active", True),
        endpoints=_endpoints(reader),
        regions=_regions(reader),
        credential_fields=_credential_fields(reader),
        is_local=reader.flag("is_local"),
        base_url_required=reader.flag("base_url_required"),
        docs_url=reader.text("docs_url", check=URLValidator(schemes=["https"])),
        known_as=known_as_read(reader),
        models=tuple(_model(model) for model in reader.objects("models")),
    )
    reader.finish()
    _refuse_unserved(entry, reader)
    _refuse_doubles("model", (model.llm_name for model in entry.models), reader.place)
    return entry


def _endpoints(reader: ObjectReader) -> dict[str, Any]:
    endpoints: dict[str, Any] = reader.shape("endpoints", dict)
    reader.check("endpoints", endpoints, validate_endpoints)
    return endpoints


def _regions(reader: ObjectReader) -> list[dict[str, Any]]:
    regions: list[dict[str, Any]] = reader.shape("regions", list, [])
    reader.check("regions", regions, validate_regions)
    return regions


def _credential_fields(reader: ObjectReader) -> list[dict[str, Any]]:
    found = [_completed(field) for field in reader.shape("credential_fields", list)]
    reader.check("credential_fields", found, validate_credential_fields)
    return [{key: field[key] for key in CREDENTIAL_KEYS} for field in found]


def _completed(field: Any) -> Any:
    return {**dict.fromkeys(_OPTIONAL_TEXTS, ""), **field} if isinstance(field, dict) else field


def _model(reader: ObjectReader) -> ModelEntry:
    name = reader.text("name", check=validate_name)
    if not name:
        raise reader.fail("name", "is empty")
    reader.within(name)
    entry = ModelEntry(
        llm_name=name,
        model_types=reader.words("types", ModelType),
        capabilities=reader.words("capabilities", Capability, []),
        context_tokens=reader.integer("context_tokens", 1, MAX_TOKENS, None),
        max_output_tokens=reader.integer("max_output_tokens", 1, MAX_TOKENS, None),
        is_active=reader.flag("is_active", True),
        deprecated_on=reader.day("deprecated_on", None),
        sources=fact_sources_read(reader),
        prices=tuple(_price(price) for price in reader.objects("prices", [])),
    )
    reader.finish()
    if not entry.model_types:
        raise reader.fail("types", "is empty")
    _refuse_overlaps(entry, reader)
    return entry


def _price(reader: ObjectReader) -> PriceEntry:
    entry = PriceEntry(
        figures={
            figure: reader.money(figure, digits=digits) for figure, digits in PRICE_FIGURES.items()
        },
        tiers=_tiers(reader),
        valid_from=reader.midnight("from", None) or ALWAYS,
        valid_until=reader.midnight("until", None),
        source=reader.text("source"),
        source_note=reader.text("note", ""),
    )
    reader.finish()
    if entry.source not in _FILE_SOURCES:
        raise reader.fail("source", "wants one of " + ", ".join(sorted(_FILE_SOURCES)))
    if entry.valid_until and entry.valid_until <= entry.valid_from:
        raise reader.fail("until", "wants a day after `from`")
    if not any(figure is not None for figure in entry.figures.values()):
        raise reader.fail(next(iter(PRICE_FIGURES)), "a price has one figure at least")
    return entry


def _tiers(reader: ObjectReader) -> list[dict[str, Any]]:
    tiers: list[dict[str, Any]] = reader.shape("tiers", list, [])
    reader.check("tiers", tiers, validate_tiers)
    return tiers


def _refuse_unserved(entry: FactoryEntry, reader: ObjectReader) -> None:
    for model in entry.models:
        for model_type in set(model.model_types) - set(entry.endpoints):
            raise reader.fail(
                "endpoints", f"{model_type} is missing; {model.llm_name} is of this type"
            )


def _refuse_overlaps(entry: ModelEntry, reader: ObjectReader) -> None:
    ordered = sorted(entry.prices, key=lambda price: (price.source, price.valid_from))
    for earlier, later in pairwise(ordered):
        is_clear = earlier.valid_until is not None and earlier.valid_until <= later.valid_from
        if earlier.source == later.source and not is_clear:
            raise reader.fail("prices", f"two prices from {later.source} hold at the same time")


def _refuse_doubles(what: str, names: Iterable[str], place: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise CatalogError(f"{place}: the {what} {name!r} stands twice")
        seen.add(name)


FACTORY_COLUMNS = tuple(
    f.name for f in fields(FactoryEntry) if f.name not in {"name", "revised", "known_as", "models"}
)
MODEL_COLUMNS = tuple(f.name for f in fields(ModelEntry) if f.name not in {"llm_name", "prices"})
