"""Ids of the hub's own: a provider's ids repeat, ours do not."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """Ordered by time, so that the ledger's index grows at its end. RFC 9562, section 5.7."""
    milliseconds = time.time_ns() // 1_000_000
    drawn = int.from_bytes(os.urandom(10), "big")
    high = milliseconds << 16 | 0x7000 | drawn >> 68
    low = 0b10 << 62 | drawn & ((1 << 62) - 1)
    return UUID(int=high << 64 | low)
