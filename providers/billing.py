"""A bill: what an attempt has cost, and the lines that it adds up from."""

from dataclasses import dataclass
from decimal import Decimal

from providers.pricing import COST_DIGITS, PriceAt, PriceFigures, cost_usd
from providers.protocols.usage import Usage

NO_COST = Decimal(0).scaleb(-COST_DIGITS)
_PER_MILLION = Decimal(1).scaleb(-6)
_PER_THOUSAND = Decimal(1).scaleb(-3)
_NO_USAGE = Usage()


def settled_cost(
    usage: Usage, price: PriceAt | None, *, has_failed: bool = False
) -> Decimal | None:
    """The cost with COST_DIGITS digits; None where something was used that has no price.

    Nothing that was used costs nothing: after a failure, and where the model has a price at all.
    """
    if has_failed and usage == _NO_USAGE:
        return NO_COST
    cost = cost_usd(usage, price)
    if cost is None and price is not None and usage == _NO_USAGE:
        return NO_COST
    return cost


@dataclass(frozen=True)
class CostLine:
    """So much of a kind, at a figure of the price; `cost_usd` is exact and not rounded."""

    kind: str
    amount: int
    figure: str
    usd: Decimal
    cost_usd: Decimal


def cost_lines(usage: Usage, price: PriceAt) -> tuple[CostLine, ...]:
    """The kinds that were used and have a figure, each once. They add up to `cost_usd`, unless
    some of the tokens have a figure and others none."""
    figures = price.figures_for(usage.input_tokens)
    given, made = "input_usd_per_mtok", "output_usd_per_mtok"
    asked = (
        ("input_tokens", usage.fresh_input_tokens, given, given),
        ("cached_tokens", usage.cached_tokens, "cached_input_usd_per_mtok", given),
        ("cache_write_tokens", usage.cache_write_tokens, "cache_write_usd_per_mtok", given),
        ("input_audio_tokens", usage.input_audio_tokens, "input_audio_usd_per_mtok", given),
        ("output_tokens", usage.output_tokens - usage.output_audio_tokens, made, made),
        ("output_audio_tokens", usage.output_audio_tokens, "output_audio_usd_per_mtok", made),
        ("characters", usage.characters, "usd_per_mchar", "usd_per_mchar"),
        ("audio_ms", usage.audio_ms, "usd_per_second", "usd_per_second"),
        ("images", usage.images, "usd_per_image", "usd_per_image"),
        ("requests", 1, "usd_per_request", "usd_per_request"),
    )
    lines = (_line(figures, *of_kind) for of_kind in asked)
    return tuple(line for line in lines if line is not None)


def _line(figures: PriceFigures, kind: str, amount: int, own: str, general: str) -> CostLine | None:
    named = general if getattr(figures, own) is None else own
    usd: Decimal | None = getattr(figures, named)
    if not amount or usd is None:
        return None
    return CostLine(kind, amount, named, usd, amount * usd * _unit(named))


def _unit(figure: str) -> Decimal:
    if figure.endswith(("_per_mtok", "_per_mchar")):
        return _PER_MILLION
    return _PER_THOUSAND if figure == "usd_per_second" else Decimal(1)
