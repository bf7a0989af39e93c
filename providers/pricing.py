"""What a call costs: the kinds of its usage, each at its own figure of a price.

The kinds are disjoint here. Whatever a provider reports inside a whole (cached inside input, audio
inside output) is taken out of it first, so that nothing is charged twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from providers.protocols.usage import Usage

COST_DIGITS = 9
"""A cost is a whole number of nano-dollars: rounded here, once, and added exactly ever after."""

_NANO = Decimal(1).scaleb(-COST_DIGITS)
_PER_MILLION = Decimal(1).scaleb(-6)
_PER_THOUSAND = Decimal(1).scaleb(-3)


@dataclass(frozen=True, slots=True)
class PriceFigures:
    """USD per million tokens (`mtok`) or characters (`mchar`), per second of audio, per generated
    image, and per request. None is unknown, 0 is free."""

    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    input_audio_usd_per_mtok: Decimal | None = None
    output_audio_usd_per_mtok: Decimal | None = None
    usd_per_image: Decimal | None = None
    usd_per_mchar: Decimal | None = None
    usd_per_second: Decimal | None = None
    usd_per_request: Decimal | None = None


FIGURE_NAMES = tuple(figure.name for figure in fields(PriceFigures))


@dataclass(frozen=True, slots=True)
class PriceTier:
    """The figures of a call whose whole input is longer than `above_input_tokens`."""

    above_input_tokens: int
    figures: PriceFigures


@dataclass(frozen=True, slots=True)
class PriceAt:
    """A price and the interval [`valid_from`, `valid_until`) in which it holds.

    `tiers` are in the order of their thresholds, and each is complete: a figure that a tier leaves
    as it is stands in it too.
    """

    figures: PriceFigures
    source: str
    valid_from: datetime
    valid_until: datetime | None = None
    tiers: tuple[PriceTier, ...] = ()

    def figures_for(self, input_tokens: int) -> PriceFigures:
        """The whole call is priced by one tier: the highest whose threshold its input exceeds."""
        found = self.figures
        for tier in self.tiers:
            if input_tokens > tier.above_input_tokens:
                found = tier.figures
        return found

    def holds_at(self, moment: datetime) -> bool:
        return self.valid_from <= moment and (self.valid_until is None or moment < self.valid_until)


def price_in_force(prices: Iterable[PriceAt], moment: datetime) -> PriceAt | None:
    """The first that holds, of prices in their order of precedence."""
    return next((price for price in prices if price.holds_at(moment)), None)


def tier_read(tier: Mapping[str, Any], base: PriceFigures) -> PriceTier:
    """A tier of the shape of `providers.shapes.validate_tiers`, completed from the base figures."""
    own = {name: Decimal(text) for name, text in tier.items() if name in FIGURE_NAMES}
    return PriceTier(tier["above_input_tokens"], replace(base, **own))


def cost_usd(usage: Usage, price: PriceAt | None) -> Decimal | None:
    """The cost in USD with COST_DIGITS digits; None where something was used that has no figure.

    Cached and audio tokens without a figure of their own cost what the other tokens of their side
    cost. Tokens without any figure are not an obstacle where the price is by another unit that was
    used too: characters, seconds, images or requests.
    """
    if price is None:
        return None
    figures = price.figures_for(usage.input_tokens)
    tokens = _tokens_cost(usage, figures)
    units = _units_cost(usage, figures)
    if tokens is None and units is None:
        return None
    return ((tokens or 0) + (units or Decimal(0))).quantize(_NANO, ROUND_HALF_EVEN)


def _tokens_cost(usage: Usage, figures: PriceFigures) -> Decimal | None:
    """None where tokens were used that have no figure, or where there were none at all."""
    if not usage.input_tokens and not usage.output_tokens:
        return None
    given, made = figures.input_usd_per_mtok, figures.output_usd_per_mtok
    cost = Decimal(0)
    for count, own, general in (
        (usage.fresh_input_tokens, given, given),
        (usage.output_tokens - usage.output_audio_tokens, made, made),
        (usage.cached_tokens, figures.cached_input_usd_per_mtok, given),
        (usage.cache_write_tokens, figures.cache_write_usd_per_mtok, given),
        (usage.input_audio_tokens, figures.input_audio_usd_per_mtok, given),
        (usage.output_audio_tokens, figures.output_audio_usd_per_mtok, made),
    ):
        if count:
            figure = general if own is None else own
            if figure is None:
                return None
            cost += count * figure
    return cost * _PER_MILLION


def _units_cost(usage: Usage, figures: PriceFigures) -> Decimal | None:
    """None where nothing was used that is priced by a unit other than tokens."""
    costs = [
        amount * figure * unit
        for amount, figure, unit in (
            (usage.characters, figures.usd_per_mchar, _PER_MILLION),
            (usage.audio_ms, figures.usd_per_second, _PER_THOUSAND),
            (usage.images, figures.usd_per_image, 1),
            (1, figures.usd_per_request, 1),
        )
        if amount and figure is not None
    ]
    return sum(costs, Decimal(0)) if costs else None
