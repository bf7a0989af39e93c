"""What limits and budgets cost the gateway for each call: CPU of its process, and of Valkey.

Admission and settlement alone, 16 calls at a time, against the path without limits (MGET, then
XADD). The best of several rounds, in microseconds a call.
"""

import asyncio
import os
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import uvloop
from django.conf import settings

from gateway.claims import claims_make
from gateway.estimate import estimate_make
from gateway.local_limits import LocalLimits
from gateway.reservations import Reservation, Reservations
from gateway.retained import Retained
from gateway.snapshot_cache import Held
from gateway.spending import Spent, settle_arguments
from gateway.sync_units import SyncUnits
from gateway.valkey_address import valkey_address
from gateway.valkey_client import Script, ValkeyClient
from llmhub.base.model_types import ModelType
from llmhub.base.valkey import valkey
from providers.pricing import PriceAt, PriceFigures
from tenants.limits.counters import budget_key, script
from tenants.limits.periods import PeriodKind, period_at
from tenants.limits.units import Unit
from tenants.snapshots import (
    BudgetView,
    ConnectionView,
    LimitView,
    ModelView,
    Snapshot,
    TokenView,
)

CALLS = 4_000
AT_ONCE = 16
ROUNDS = 5
EVENTS = b"x" * 600
_TENANT = uuid.UUID(int=7)
_SETTLE = Script(script("settle"))
_PAYLOAD = {"model": "m", "messages": [{"role": "user", "content": "a" * 900}], "max_tokens": 100}
_KEYS = (b"bench:version:1", b"bench:version:2")

Work = Callable[[], Awaitable[None]]


def run() -> dict[str, float]:
    return uvloop.run(_measure())


async def _measure() -> dict[str, float]:
    client = ValkeyClient(valkey_address(settings.HUB.redis_url))
    await client.open()
    units = SyncUnits()
    found: dict[str, float] = {}
    cases = {
        "no limit": (0, 0),
        "a limit": (1, 0),
        "a limit and a budget": (1, 1),
        "4 and 2": (4, 2),
    }
    for name, (limits, budgets) in cases.items():
        work = _plain(client) if not limits else _limited(client, units, limits, budgets)
        ours, theirs = await _best(work)
        found[f"{name}, us of the gateway a call"] = ours
        found[f"{name}, us of Valkey a call"] = theirs
    await client.close()
    units.close()
    return found


def _plain(client: ValkeyClient) -> Work:
    async def work() -> None:
        await client.command("MGET", *_KEYS)
        await client.command("XADD", "bench:usage", "*", "e", EVENTS)

    return work


def _limited(client: ValkeyClient, units: SyncUnits, limits: int, budgets: int) -> Work:
    reservations = Reservations(client, units, Retained(), LocalLimits())
    snapshot = _snapshot(limits, budgets)
    valkey().mset(dict.fromkeys(_KEYS, 1))
    for budget in snapshot.budgets:
        period = period_at(budget.period, budget.time_zone, datetime.now(UTC))
        valkey().hset(budget_key(_TENANT, budget.id, period.key), mapping={"g": 1, "s": 0, "r": 0})
    held = Held(snapshot, _TENANT, 0, _KEYS)
    token = next(iter(snapshot.tokens.values()))

    async def work() -> None:
        estimate = await estimate_make(_PAYLOAD, units)
        claims = claims_make(snapshot, token, snapshot.models, estimate)
        made = await reservations.reserve(held, uuid.uuid4(), claims, is_confirmed=False)
        assert isinstance(made, Reservation), made
        spent = [Spent(claim, 20 - claim.amount, 20) for claim in claims]
        keys, arguments = settle_arguments(made, spent)
        head = ("e", EVENTS, str(made.call_id))
        await client.evaluate(_SETTLE, ["bench:usage", *keys], [*head, *arguments])
        reservations.forget(made)

    return work


async def _best(work: Work) -> tuple[float, float]:
    rounds = []
    for _ in range(ROUNDS):
        pid = _valkey_pid()
        ours, theirs = time.process_time(), _cpu_s(pid)
        await asyncio.gather(*(_repeat(work) for _ in range(AT_ONCE)))
        rounds.append((time.process_time() - ours, _cpu_s(pid) - theirs))
        valkey().delete("bench:usage")
    return tuple(round(min(r[i] for r in rounds) / CALLS * 1e6, 1) for i in (0, 1))  # type: ignore[return-value]


async def _repeat(work: Work) -> None:
    for _ in range(CALLS // AT_ONCE):
        await work()


def _valkey_pid() -> int:
    return int(str(valkey().info("server")["process_id"]))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _snapshot(limits: int, budgets: int) -> Snapshot:
    figures = PriceFigures(input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(10))
    price = PriceAt(figures, "hand", datetime.now(UTC) - timedelta(days=1))
    connection = ConnectionView(uuid.uuid4(), "default", "F", False, {}, {})
    model = ModelView("m", ModelType.CHAT, connection, None, prices=(price,))
    token = TokenView(uuid.uuid4(), "t", frozenset({"inference"}), frozenset(), None)
    limit = LimitView(uuid.uuid4(), None, "", False, 10**9, 10**9, 10**6)
    budget = BudgetView(
        uuid.uuid4(), None, "", False, "b", Unit.USD, 10**15, PeriodKind.MONTH, "UTC", True, (100,)
    )
    return Snapshot(
        tenant_id=_TENANT,
        slug="bench",
        tenant_version=1,
        platform_version=1,
        tokens={"": token},
        models=(model,),
        routes={},
        defaults={},
        by_name={},
        limits=tuple(replace(limit, id=uuid.uuid4()) for _ in range(limits)),
        budgets=tuple(replace(budget, id=uuid.uuid4()) for _ in range(budgets)),
        budget_generation=1,
    )
