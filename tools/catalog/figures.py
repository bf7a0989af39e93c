"""Decimal figures as the catalog's files write them."""

from decimal import Decimal
from typing import Any

from providers.models import PRICE_FIGURES

_PER_MILLION = Decimal(1_000_000)


def per_mtok(usd_per_token: Any) -> Decimal | None:
    """From USD per token; a figure that is no number is unknown."""
    return decimal(usd_per_token, _PER_MILLION)


def decimal(figure: Any, factor: Decimal = Decimal(1)) -> Decimal | None:
    if isinstance(figure, bool) or not isinstance(figure, int | float):
        return None
    # A float of a JSON file is what its shortest text says.
    return Decimal(str(figure)) * factor


def written(figures: dict[str, Decimal | None]) -> dict[str, str]:
    """The known figures as texts, with the digits that the hub keeps, in the catalog's order."""
    known = {name: figures.get(name) for name in PRICE_FIGURES}
    return {
        name: f"{round(figure, PRICE_FIGURES[name]).normalize():f}"
        for name, figure in known.items()
        if figure is not None
    }


def is_free(figures: dict[str, str]) -> bool:
    return not any(Decimal(figure) for figure in figures.values())
