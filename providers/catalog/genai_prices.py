"""The prices that the installed package `genai-prices` knows, as entries of the catalog.

Only its bundled table is used: nothing is downloaded. Standard rates alone are taken; batch, fast
and regional variants are other products. Of rates that depend on the hour of the day the dearest is
taken, so that no cost is understated.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from llmhub.base.errors import NotSupported
from providers.catalog.files import PriceEntry
from providers.models import ALWAYS, PRICE_FIGURES, PriceSource

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

PACKAGE = "genai-prices"

_HOUR_S = 3600
# The package's name of a price, ours, and by how much ours is smaller.
_FIGURES = (
    ("input_mtok", "input_usd_per_mtok", 1),
    ("output_mtok", "output_usd_per_mtok", 1),
    ("cache_read_mtok", "cached_input_usd_per_mtok", 1),
    ("cache_write_mtok", "cache_write_usd_per_mtok", 1),
    ("input_audio_mtok", "input_audio_usd_per_mtok", 1),
    ("output_audio_mtok", "output_audio_usd_per_mtok", 1),
    ("input_mchars", "usd_per_mchar", 1),
    ("audio_hours", "usd_per_second", _HOUR_S),
    ("input_audio_hours", "usd_per_second", _HOUR_S),
    ("requests_kcount", "usd_per_request", 1000),
)
_Priced = tuple[date, "ModelPrice"]
_Known = dict[str, tuple[Decimal, list[tuple[int, Decimal]]]]


class PricePackage:
    """The installed package. Raises NotSupported where it is not installed."""

    def __init__(self) -> None:
        try:
            self.version = version(PACKAGE)
            from genai_prices.data import providers
        except (ImportError, PackageNotFoundError):
            raise NotSupported(
                f"The package {PACKAGE} is not installed: pip install {PACKAGE}.",
                code="package_missing",
            ) from None
        self._providers: Mapping[str, Provider] = {p.id: p for p in providers}

    def prices(self, provider_ids: Iterable[str], llm_name: str) -> tuple[PriceEntry, ...]:
        """The model's prices in the order of time; none where the package does not know it."""
        model = self.find(provider_ids, llm_name)
        if model is None:
            return ()
        return tuple(_entries(model, self.version))

    def context_tokens(self, provider_ids: Iterable[str], llm_name: str) -> int | None:
        model = self.find(provider_ids, llm_name)
        return model.context_window if model else None

    def find(self, provider_ids: Iterable[str], llm_name: str) -> "ModelInfo | None":
        known = (self._providers[id_] for id_ in provider_ids if id_ in self._providers)
        found = (provider.find_model(llm_name) for provider in known)
        return next((model for model in found if model is not None), None)


def _entries(model: "ModelInfo", package_version: str) -> Iterable[PriceEntry]:
    """One for each interval in which other figures hold; those that begin and end together are left
    out, as are intervals without a figure that the hub knows."""
    begins = [*_intervals(model), (date.max, None)]
    for (begin, price), (end, _) in pairwise(begins):
        if price is None or begin == end:
            continue
        figures = _figures(price)
        if any(figure is not None for figure in figures.values()):
            yield PriceEntry(
                figures=figures,
                tiers=_tiers(price),
                valid_from=ALWAYS if begin == date.min else _midnight(begin),
                valid_until=None if end == date.max else _midnight(end),
                source=PriceSource.GENAI_PRICES,
                source_note=package_version,
            )


def _intervals(model: "ModelInfo") -> list[_Priced]:
    """When each price begins: the last one of the package's list that is active is the one."""
    from genai_prices.types import ModelPrice, StartDateConstraint

    if isinstance(model.prices, ModelPrice):
        return [(date.min, model.prices)]
    begins: dict[date, ModelPrice] = {}
    by_hour = []
    for conditional in model.prices:
        if conditional.constraint is None:
            begins[date.min] = conditional.prices
        elif isinstance(conditional.constraint, StartDateConstraint):
            begins[conditional.constraint.start_date] = conditional.prices
        else:
            by_hour.append(conditional.prices)
    if by_hour:
        latest = max(begins, default=date.min)
        begins[latest] = max([*by_hour, begins.get(latest, by_hour[0])], key=_dearness)
    return sorted(begins.items(), key=lambda item: item[0])


def _dearness(price: "ModelPrice") -> Decimal:
    return max((base for base, _ in _known(price).values()), default=Decimal(0))


def _figures(price: "ModelPrice") -> dict[str, Decimal | None]:
    known = _known(price)
    return {name: known[name][0] if name in known else None for name in PRICE_FIGURES}


def _tiers(price: "ModelPrice") -> list[dict[str, Any]]:
    """Each tier names every figure that differs from the base, as `providers.pricing` reads it."""
    known = _known(price)
    thresholds = sorted({start for _, tiers in known.values() for start, _ in tiers if start > 0})
    return [_tier(threshold, known) for threshold in thresholds]


def _tier(threshold: int, known: _Known) -> dict[str, Any]:
    tier: dict[str, Any] = {"above_input_tokens": threshold}
    for name, (_, tiers) in known.items():
        reached = [figure for start, figure in tiers if start <= threshold]
        if reached:
            tier[name] = f"{reached[-1]:f}"
    return tier


def _known(price: "ModelPrice") -> _Known:
    """By our names: the base figure, and (threshold, figure) of its tiers."""
    from genai_prices.types import TieredPrices

    known: _Known = {}
    for theirs, ours, divisor in _FIGURES:
        value = getattr(price, theirs, None)
        if value is None or ours in known:
            continue
        base = value.base if isinstance(value, TieredPrices) else value
        tiers = value.tiers if isinstance(value, TieredPrices) else []
        known[ours] = (
            _scaled(base, ours, divisor),
            [(tier.start, _scaled(tier.price, ours, divisor)) for tier in tiers],
        )
    return known


def _scaled(figure: Decimal, name: str, divisor: int) -> Decimal:
    """Rounded to the digits that the hub keeps, as for an hour's price per second."""
    return round(figure / divisor, PRICE_FIGURES[name]).normalize()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
