"""Events that are in Valkey's stream and perhaps not in the ledger yet.

They stay in this process's memory until the drain has taken them. Should Valkey lose them
(FLUSHALL), or be away while a budget must be looked up, they go to the ledger from here; the ledger
knows each by its id, so nothing is counted twice.
"""

from collections import deque
from collections.abc import Sequence
from uuid import UUID

from tenants.usage.events import UsageFacts

MAX_RETAINED = 20_000
"""Calls. The oldest go beyond that: Valkey still has them."""

EntryId = tuple[int, int]


class Retained:
    def __init__(self) -> None:
        self._calls: deque[tuple[EntryId, Sequence[UsageFacts]]] = deque(maxlen=MAX_RETAINED)

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def last(self) -> EntryId | None:
        return self._calls[-1][0] if self._calls else None

    def add(self, entry: bytes, events: Sequence[UsageFacts]) -> None:
        self._calls.append((entry_id(entry), events))

    def drained_before(self, head: EntryId) -> None:
        """The stream begins with this entry."""
        while self._calls and self._calls[0][0] < head:
            self._calls.popleft()

    def all_drained_until(self, last: EntryId) -> None:
        """The stream was empty after this entry."""
        while self._calls and self._calls[0][0] <= last:
            self._calls.popleft()

    def of(self, tenant_id: UUID) -> list[UsageFacts]:
        return [e for _, events in self._calls for e in events if e.tenant_id == tenant_id]

    def all(self) -> list[Sequence[UsageFacts]]:
        return [events for _, events in self._calls]


def entry_id(text: bytes) -> EntryId:
    """`1526919030474-55`"""
    milliseconds, _, number = text.partition(b"-")
    return int(milliseconds), int(number or 0)
