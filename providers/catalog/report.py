"""What a load of the catalog did."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

OUTCOMES = ("created", "updated", "unchanged", "kept", "retired")


@dataclass
class CatalogReport:
    """Rows per outcome for `factories`, `models` and `prices`.

    A row counts once: `kept` where something that an operator set stayed as it is (`notes` says
    what), `retired` where the files no longer name it. `is_current`: this very catalog was loaded
    last, and nothing was looked at.
    """

    factories: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    prices: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    written_rows: int = 0
    is_current: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        counters = {"factories": self.factories, "models": self.models, "prices": self.prices}
        counts = {name: {o: c[o] for o in OUTCOMES} for name, c in counters.items()}
        return {**counts, "notes": self.notes, "is_current": self.is_current}

    def as_lines(self) -> dict[str, str]:
        """For people: what happened to each table, and the notes."""
        if self.is_current:
            return {"catalog": "is as it was loaded last; nothing to do"}
        counters = {"factories": self.factories, "models": self.models, "prices": self.prices}
        lines = {
            name: ", ".join(f"{c[o]} {o}" for o in OUTCOMES if c[o]) or "none"
            for name, c in counters.items()
        }
        return lines | {f"note {n}": note for n, note in enumerate(self.notes, start=1)}
