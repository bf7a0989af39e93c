"""What is spent and reserved at this moment: as the counters say, or where they are away the
ledger."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from llmhub.base.valkey import ValkeyError, valkey
from tenants.limits.counters import budget_key, window_key
from tenants.limits.holds import holds_open
from tenants.limits.ledger_sums import spent_in_ledger
from tenants.limits.periods import Period, period_at
from tenants.models import Tenant
from tenants.snapshots import BudgetView, LimitView

_BUCKETS = 61


@dataclass(frozen=True)
class Consumption:
    """Of a budget in its present period; in nano-dollars or tokens."""

    period: Period
    spent: int
    reserved: int


@dataclass(frozen=True)
class Pace:
    """Of a limit: what counts in the present minute, and the calls that run. None: not known."""

    requests: int | None
    tokens: int | None
    running: int | None


def consumption_of(tenant: Tenant, budget: BudgetView) -> Consumption:
    """In the tenant's schema. Without a counter, which only the gateway makes, the ledger alone is
    asked: what the drain has not taken yet, a second's worth, is missing there."""
    now = datetime.now(UTC)
    period = period_at(budget.period, budget.time_zone, now)
    key = budget_key(tenant.pk, budget.id, period.key)
    try:
        spent, generation = cast("list[bytes | None]", valkey().hmget(key, ["s", "g"]))
        reserved = _reserved(key, now)
    except ValkeyError:
        held = sum(hold.amount for hold in holds_open(tenant.pk, budget.id))
        return Consumption(period, spent_in_ledger(budget, period), held)
    if generation is None or int(generation) < tenant.budget_generation:
        return Consumption(period, spent_in_ledger(budget, period), reserved)
    return Consumption(period, int(spent or 0), reserved)


def pace_of(tenant_id: UUID, limit: LimitView) -> Pace:
    now = datetime.now(UTC)
    try:
        return Pace(
            _in_window(tenant_id, limit, "rpm", now) if limit.requests_per_minute else None,
            _in_window(tenant_id, limit, "tpm", now) if limit.tokens_per_minute else None,
            _running(tenant_id, limit, now) if limit.concurrency else None,
        )
    except ValkeyError:
        return Pace(None, None, None)


def _in_window(tenant_id: UUID, limit: LimitView, what: str, now: datetime) -> int:
    raw = cast("dict[bytes, bytes]", valkey().hgetall(window_key(tenant_id, limit.id, what)))
    if b"l" not in raw:
        return 0
    last, second = int(raw[b"l"]), int(now.timestamp())
    alive = range(max(second, last) - _BUCKETS + 1, last + 1)
    return sum(int(raw.get(str(s % _BUCKETS).encode(), 0)) for s in alive)


def _running(tenant_id: UUID, limit: LimitView, now: datetime) -> int:
    key = f"{window_key(tenant_id, limit.id, 'slots')}:o"
    return valkey().zcount(key, _ms(now), "+inf")


def _reserved(key: str, now: datetime) -> int:
    """What has expired is free, also where no call has come since to say so."""
    members = cast("list[bytes]", valkey().zrangebyscore(f"{key}:o", _ms(now), "+inf"))
    return sum(int(member.rpartition(b"|")[2]) for member in members)


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)
