"""What a budget counts, and in which whole numbers."""

from decimal import Decimal
from enum import StrEnum

NANO = Decimal(1).scaleb(-9)
MAX_AMOUNT = 9_000_000 * 10**9
"""In nano-dollars: above 2^53 a script in Valkey could not compare amounts exactly."""


class Unit(StrEnum):
    USD = "usd"
    TOKENS = "tokens"


def nano_usd(amount: Decimal) -> int:
    """A cost has nine digits at most (providers/pricing.py), so nothing is rounded away."""
    return int(amount.scaleb(9).to_integral_value())


def usd(nano: int) -> Decimal:
    return Decimal(nano) * NANO


def shown(amount: int, unit: Unit) -> str:
    """For people: `12.50 USD`, `1,000 tokens`."""
    if unit is Unit.TOKENS:
        return f"{amount:,} tokens"
    figure = usd(amount)
    cents = figure.quantize(Decimal("0.01"))
    return f"{cents if cents == figure else figure.normalize():f} USD"
