"""Percentiles, and medians over rounds."""

import math
import statistics
from collections.abc import Iterable, Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent of the values do not exceed (nearest rank)."""
    if not ordered:
        raise ValueError("there are no values")
    return ordered[max(math.ceil(share / 100 * len(ordered)), 1) - 1]


def median(values: Iterable[float | None]) -> float | None:
    """None where no round gave a value."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
