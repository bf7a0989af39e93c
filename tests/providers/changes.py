"""A record of a change that only remembers, for tests whose subject is not the audit."""

from collections.abc import Mapping
from typing import Any


class Remembered:
    def __init__(self) -> None:
        self.before: Mapping[str, Any] | None = None
        self.after: Mapping[str, Any] | None = None
        self.target: tuple[str, str] | None = None
        self.is_noop = False

    def about(self, kind: str, target_id: object, label: str) -> None:
        self.target = (kind, label)

    def nothing_changed(self) -> None:
        self.is_noop = True
