"""What a source says about one model, in the catalog's words."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

PriceJSON = dict[str, Any]


@dataclass(frozen=True)
class ModelFacts:
    """None and empty are unknown. `prices` are entries as they stand in a catalog file."""

    llm_name: str
    types: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    deprecated_on: date | None = None
    prices: tuple[PriceJSON, ...] = field(default=())
