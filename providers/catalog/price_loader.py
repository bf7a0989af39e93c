"""Loaded prices. Those that are set by hand are never even read here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from providers.catalog.bulk import rows_insert
from providers.catalog.files import PriceEntry
from providers.catalog.report import CatalogReport
from providers.models import LLM, PRICE_FIGURES, Price, PriceSource

_COLUMNS = (*PRICE_FIGURES, "tiers", "valid_until", "source_note")


@dataclass(frozen=True)
class ModelPrices:
    """A model's prices as its sources name them now; `sources` are those that were asked."""

    llm: LLM
    entries: tuple[PriceEntry, ...]
    sources: frozenset[str]


def prices_load(models: list[ModelPrices], report: CatalogReport) -> None:
    """Make the loaded prices of these models, from the sources that were asked, equal to entries.

    A price that its source no longer names ends now; its past stays for old usage. One that had not
    begun yet is removed.
    """
    asked = {(model.llm.pk, source) for model in models for source in model.sources}
    # All of them, chosen here: ids by the thousand, in the joined default order, took PostgreSQL
    # minutes while it had no statistics.
    existing = {
        (price.llm_id, price.source, price.valid_from): price
        for price in Price.objects.exclude(source=PriceSource.HAND).order_by("pk")
        if (price.llm_id, price.source) in asked
    }
    created, changed = [], []
    for llm, entry in ((m.llm, p) for m in models for p in m.entries if p.source in m.sources):
        price = existing.pop((llm.pk, entry.source, entry.valid_from), None)
        if price is None:
            created.append(_new(llm, entry))
        elif _update(price, entry):
            changed.append(price)
        else:
            report.prices["unchanged"] += 1
    report.prices["created"] += len(created)
    report.prices["updated"] += len(changed)
    changed += _withdraw(list(existing.values()), report)
    rows_insert(Price, created)
    Price.objects.bulk_update(changed, [*_COLUMNS, "updated_at"], batch_size=500)
    report.written_rows += len(created) + len(changed)


def _new(llm: LLM, entry: PriceEntry) -> Price:
    price = Price(llm=llm, source=entry.source, valid_from=entry.valid_from)
    _set(price, entry)
    return price


def _update(price: Price, entry: PriceEntry) -> bool:
    """Whether the price is to be written."""
    if all(getattr(price, column) == value for column, value in _values(entry).items()):
        return False
    _set(price, entry)
    return True


def _set(price: Price, entry: PriceEntry) -> None:
    for column, value in _values(entry).items():
        setattr(price, column, value)
    price.updated_at = timezone.now()


def _values(entry: PriceEntry) -> dict[str, Any]:
    return {
        **entry.figures,
        "tiers": entry.tiers,
        "valid_until": entry.valid_until,
        "source_note": entry.source_note,
    }


def _withdraw(gone: list[Price], report: CatalogReport) -> list[Price]:
    """The prices to close; those that lie in the future go at once."""
    now = timezone.now()
    future = [price for price in gone if price.valid_from >= now]
    if future:
        Price.objects.filter(pk__in=[price.pk for price in future]).delete()
    holding = [price for price in gone if price not in future and _holds(price, now)]
    for price in holding:
        price.valid_until = price.updated_at = now
    report.prices["retired"] += len(holding) + len(future)
    report.written_rows += len(future)
    return holding


def _holds(price: Price, now: datetime) -> bool:
    return price.valid_until is None or price.valid_until > now
