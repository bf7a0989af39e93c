"""What a drill finds: counts to print, and what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Findings:
    """`complaints` is empty where the promise held."""

    counts: dict[str, float | str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def count(self, **counts: float | str) -> None:
        self.counts.update(counts)

    def require(self, holds: object, complaint: str) -> None:
        if not holds:
            self.complaints.append(complaint)


def in_words(counts: Mapping[str, float | str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {figure}" for name, figure in counts.items())
