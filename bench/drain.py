"""How many events a second one drain takes from the stream into the ledgers, sums included.

The stream is filled beforehand, an entry for each call as the gateway writes them, of several
tenants mixed, while the hub's own worker stands still. PostgreSQL and Valkey are as durable as
any hub's.
"""

import os
import random
import signal
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection

from bench.processes import cpu_s, tree
from gateway.ids import uuid7
from llmhub.base.valkey import valkey
from tenants.actors import Actor
from tenants.models import Tenant
from tenants.services.tenants import tenant_create
from tenants.usage.drain import usage_drain_all
from tenants.usage.events import FIELD, STREAM, UsageFacts, events_dump

EVENTS = 50_000
TENANTS = 5
MODELS = 8
TOKENS = 10
ROUNDS = 3
_PIPELINE = 2_000
_ACTOR = Actor.from_command("bench")


def run() -> dict[str, float | str]:
    worker = tree([_pid("worker")])
    postgres = tree([_pid("postgres")])
    for pid in worker:
        os.kill(pid, signal.SIGSTOP)
    tenants = [_tenant(number) for number in range(TENANTS)]
    rates, cpu_each, server_each = [], [], []
    for _ in range(ROUNDS):
        _fill(tenants)
        own, servers = time.process_time(), cpu_s(postgres)
        started = time.perf_counter()
        counts = usage_drain_all(within_s=600)
        seconds = time.perf_counter() - started
        assert counts.recorded == EVENTS, counts
        postgres |= tree([_pid("postgres")])
        rates.append(EVENTS / seconds)
        cpu_each.append((time.process_time() - own) / EVENTS * 1e6)
        server_each.append((cpu_s(postgres) - servers) / EVENTS * 1e6)
    found: dict[str, float | str] = {
        "events": EVENTS,
        "tenants": TENANTS,
        "events a second, each round": ", ".join(f"{rate:.0f}" for rate in rates),
        "events a second, median": round(sorted(rates)[ROUNDS // 2]),
        "CPU of the drain, us an event": round(sorted(cpu_each)[ROUNDS // 2], 1),
        "CPU of PostgreSQL, us an event": round(sorted(server_each)[ROUNDS // 2], 1),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT version()")
        found["PostgreSQL"] = str(cursor.fetchone()[0]).split()[1]
    return found


def _pid(program: str) -> int:
    folder: Path = settings.HUB.hub_data_dir
    return int((folder / "run" / f"{program}.pid").read_text())


def _tenant(number: int) -> Tenant:
    created = tenant_create(
        slug=f"bench-{number}", name="Bench", owner_email="bench@example.com", actor=_ACTOR
    )
    return created.tenant


def _fill(tenants: list[Tenant]) -> None:
    client = valkey()
    pipeline = client.pipeline(transaction=False)
    for number, event in enumerate(_events(tenants), start=1):
        pipeline.xadd(STREAM, {FIELD: events_dump([event])})
        if number % _PIPELINE == 0:
            pipeline.execute()
    pipeline.execute()


def _events(tenants: list[Tenant]) -> Iterator[UsageFacts]:
    """Calls of the last minutes, a few of them failed or streamed; models and tokens are reused, as
    by applications."""
    drawn = random.Random(1)
    tokens = [[uuid.uuid4() for _ in range(TOKENS)] for _ in tenants]
    connections = [[uuid.uuid4() for _ in range(2)] for _ in tenants]
    now = datetime.now(UTC)
    for _ in range(EVENTS):
        place = drawn.randrange(len(tenants))
        is_streamed = drawn.random() < 0.5
        is_failed = drawn.random() < 0.02
        yield UsageFacts(
            id=uuid7(),
            request_id=uuid7(),
            tenant_id=tenants[place].pk,
            at=now - timedelta(seconds=drawn.randrange(600)),
            access_token_id=drawn.choice(tokens[place]),
            connection_id=drawn.choice(connections[place]),
            connection_name="default",
            is_shared=False,
            llm_factory="OpenAI",
            llm_name=f"model-{drawn.randrange(MODELS)}",
            model_type="chat",
            input_tokens=drawn.randrange(50, 5_000),
            output_tokens=0 if is_failed else drawn.randrange(1, 1_000),
            is_streamed=is_streamed,
            http_status=503 if is_failed else 200,
            error_kind="overloaded" if is_failed else "",
            latency_ms=drawn.randrange(200, 20_000),
            first_byte_ms=None if is_failed else drawn.randrange(50, 2_000),
        )
