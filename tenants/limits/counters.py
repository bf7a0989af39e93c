"""Where Valkey counts: the names of the keys, and the scripts that read and write them.

Every key carries the tenant, so that nothing is counted for another, and deleting a tenant finds
them.

- `hub:limit:<tenant>:<limit>:rpm` and `:tpm`: a window of 61 buckets of a second each, as a hash:
  `t` the sum, `l` the last second that was counted, `0` to `60` the buckets. A request counts for
  60 to 61 s, so that no 60 s hold more than the limit, on however many replicas.
- `hub:limit:<tenant>:<limit>:slots` and `hub:budget:<tenant>:<budget>:<period>`: a gauge, as a
  hash: `s` spent, `r` the sum of what is reserved, `g` the generation of the ledger that `s` was
  made from, `e` when to look again for reservations that have expired. `:o` holds the open
  reservations as `id|amount`, by the moment (ms) at which they expire: what a process that died
  had reserved is free again then. `:p` holds what was spent while the gauge is being made anew
  from the ledger (rebuild.py).

Concurrency is a gauge of which nothing is ever spent.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from uuid import UUID

from llmhub.base.valkey import ValkeyError, valkey
from tenants.limits.periods import Period

LEASE_MS = 45_000
"""A reservation that its process has not renewed for so long is free again."""
_KEEP_AFTER_PERIOD_S = 3 * 3600

_LUA = Path(__file__).parent / "lua"


@lru_cache(maxsize=16_384)
def window_key(tenant_id: UUID, limit_id: UUID, what: str) -> str:
    return f"hub:limit:{tenant_id}:{limit_id}:{what}"


@lru_cache(maxsize=16_384)
def budget_key(tenant_id: UUID, budget_id: UUID, period_key: str) -> str:
    return f"hub:budget:{tenant_id}:{budget_id}:{period_key}"


def keep_ms(period: Period, now: datetime) -> int:
    """How long the counter of a period is kept; 0 for good."""
    if period.end is None:
        return 0
    return int(((period.end - now).total_seconds() + _KEEP_AFTER_PERIOD_S) * 1000)


@cache
def script(name: str) -> str:
    """The text of a script: `reserve`, `settle`, `renew`, `rebuilt`."""
    return (_LUA / f"{name}.lua").read_text()


def counters_forget(tenant_id: UUID, of: UUID | None = None) -> None:
    """Remove the counters of the tenant, or of one of its limits or budgets. They expire by
    themselves where Valkey is away now, those of a budget for good excepted."""
    try:
        client = valkey()
        for pattern in _patterns(tenant_id, of):
            keys = list(client.scan_iter(match=pattern, count=1000))
            if keys:
                client.delete(*keys)
    except ValkeyError:
        return


def _patterns(tenant_id: UUID, of: UUID | None) -> Iterator[str]:
    for kind in ("limit", "budget"):
        yield f"hub:{kind}:{tenant_id}:{of or ''}*"
