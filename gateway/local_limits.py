"""Rate limits and concurrency within this process, for while Valkey is away.

Fail open: these limits are for comfort and not about money, so each replica then counts for itself
and a tenant gets at most as many times its limit as there are replicas. The windows are those of
tenants/limits/counters.py.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from gateway.claims import Claim, Kind

BUCKETS = 61


class Window:
    """The last minute in buckets of a second; what was used counts for 60 to 61 s."""

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}

    def used(self, second: int) -> int:
        for old in [s for s in self._buckets if s <= second - BUCKETS]:
            del self._buckets[old]
        return sum(self._buckets.values())

    def add(self, second: int, amount: int) -> None:
        self._buckets[second] = self._buckets.get(second, 0) + amount

    def settle(self, second: int, delta: int, now: int) -> None:
        if second > now - BUCKETS:
            self.add(second, delta)
        elif delta > 0:
            self.add(now, delta)

    def wait_s(self, second: int, needed: int) -> int:
        """Seconds until so much of it has gone by; -1: it never will."""
        for old in sorted(self._buckets):
            needed -= self._buckets[old]
            if needed <= 0:
                return old + BUCKETS - second
        return -1


class LocalLimits:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._windows: defaultdict[str, Window] = defaultdict(Window)
        self._slots: defaultdict[str, int] = defaultdict(int)

    def take(self, claims: Sequence[Claim]) -> tuple[int, Claim | None, int]:
        """All of them or none; gives the second, and the claim that is refused with its wait in
        s."""
        second = int(self._clock())
        for claim in claims:
            wait_s = self._wait_s(claim, second)
            if wait_s:
                return second, claim, wait_s
        for claim in claims:
            if claim.is_window:
                self._windows[claim.key].add(second, claim.amount)
            elif claim.kind is Kind.SLOTS:
                self._slots[claim.key] += claim.amount
        return second, None, 0

    def settle(self, claim: Claim, second: int, delta: int) -> None:
        if claim.is_window:
            self._windows[claim.key].settle(second, delta, int(self._clock()))
        elif claim.kind is Kind.SLOTS:
            self._slots[claim.key] -= claim.amount
            if not self._slots[claim.key]:
                del self._slots[claim.key]

    def clear_windows(self) -> None:
        """Valkey counts again."""
        self._windows.clear()

    def _wait_s(self, claim: Claim, second: int) -> int:
        """0: there is room."""
        if claim.limit is None:
            return 0
        if claim.kind is Kind.SLOTS:
            return int(self._slots.get(claim.key, 0) + claim.amount > claim.limit)
        if not claim.is_window:
            return 0
        window = self._windows[claim.key]
        over = window.used(second) + claim.amount - claim.limit
        if over <= 0:
            return 0
        return -1 if claim.amount > claim.limit else window.wait_s(second, over)
