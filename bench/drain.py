"""The drain: from a stream that was filled before into the ledgers, sums and counters included.

One drain in this process, on servers that keep what they commit (`fsync` on), beside a hub whose
schedule is stopped so that no other drain shares the work. The events are those of real calls: one
for each entry, of several models, tokens and statuses, in the order of a backlog of two hours.
"""

import os
import random
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from gateway.ids import uuid7
from llmhub.base.valkey import valkey
from tenants.actors import Actor
from tenants.models import Tenant
from tenants.services.tenants import tenant_create
from tenants.tenancy import in_schema
from tenants.usage.drain import usage_drain_all
from tenants.usage.events import FIELD, STREAM, UsageFacts, event_id, events_dump
from tenants.usage.models import UsageEvent, UsageHourly

EVENTS = 50_000
TENANTS = 20
MODELS = 6
TOKENS = 5
ROUNDS = 3
BACKLOG = timedelta(hours=2)
_ACTOR = Actor.from_command("bench")


def run() -> dict[str, float]:
    with schedule_stopped():
        tenants = [_tenant(f"drain-{number}") for number in range(TENANTS)]
        rates, cpu = [], []
        for _ in range(ROUNDS):
            size = _fill(tenants)
            wall, busy = time.perf_counter(), time.process_time()
            counts = usage_drain_all(within_s=600)
            rates.append(counts.recorded / (time.perf_counter() - wall))
            cpu.append((time.process_time() - busy) / counts.recorded * 1e6)
            assert counts.recorded == EVENTS, counts
        return {
            "events in each round": EVENTS,
            "tenants": TENANTS,
            "bytes of an event in the stream": size,
            "slowest round, events/s": round(min(rates)),
            "median round, events/s": round(sorted(rates)[ROUNDS // 2]),
            "fastest round, events/s": round(max(rates)),
            "CPU of the draining process, us an event": round(sorted(cpu)[ROUNDS // 2]),
            "hourly sums of a tenant": _hourly(tenants[0]),
            "bytes of an event in PostgreSQL, without indexes": _row_bytes(tenants[0]),
        }


@contextmanager
def schedule_stopped() -> Iterator[None]:
    """The hub's beat sleeps meanwhile, so nothing but what is measured is drained."""
    beat = int((Path(os.environ["HUB_DATA_DIR"]) / "run" / "beat.pid").read_text())
    os.kill(beat, signal.SIGSTOP)
    try:
        time.sleep(2)  # what was scheduled before has run
        yield
    finally:
        os.kill(beat, signal.SIGCONT)


def _tenant(slug: str) -> Tenant:
    return tenant_create(slug=slug, name=slug, owner_email="bench@example.com", actor=_ACTOR).tenant


def _fill(tenants: list[Tenant]) -> int:
    drawn = random.Random(7)
    began = datetime.now(UTC) - BACKLOG
    size = 0
    with valkey().pipeline(transaction=False) as together:
        for number in range(EVENTS):
            at = began + BACKLOG * number / EVENTS
            text = events_dump([_event(drawn, tenants[number % len(tenants)], at)])
            size += len(text)
            together.xadd(STREAM, {FIELD: text})
            if number % 5_000 == 0:
                together.execute()
        together.execute()
    return size // EVENTS


def _event(drawn: random.Random, tenant: Tenant, at: datetime) -> UsageFacts:
    request_id = uuid7()
    model = drawn.randrange(MODELS)
    is_ok = drawn.random() > 0.05
    return UsageFacts(
        id=event_id(request_id, 1),
        request_id=request_id,
        tenant_id=tenant.pk,
        at=at,
        access_token_id=uuid.UUID(int=drawn.randrange(TOKENS) + 1),
        connection_id=uuid.UUID(int=model % 2 + 1),
        connection_name="default",
        llm_factory="OpenAI",
        llm_name=f"gpt-bench-{model}",
        model_type="chat",
        endpoint="/v1/chat/completions",
        model_asked=f"gpt-bench-{model}",
        input_tokens=drawn.randrange(4_000),
        output_tokens=drawn.randrange(800),
        cost_usd=Decimal(drawn.randrange(10**7)).scaleb(-9),
        price_source="shipped",
        http_status=200 if is_ok else 503,
        error_kind="" if is_ok else "overloaded",
        result_status=200 if is_ok else 503,
        result_code="" if is_ok else "provider_overloaded",
        latency_ms=drawn.randrange(5_000),
        first_byte_ms=drawn.randrange(900),
    )


def _hourly(tenant: Tenant) -> int:
    with in_schema(tenant):
        return UsageHourly.objects.count()


def _row_bytes(tenant: Tenant) -> int:
    from django.db import connection

    table = UsageEvent._meta.db_table
    with in_schema(tenant), connection.cursor() as cursor:
        cursor.execute(f"SELECT avg(pg_column_size(e.*)) FROM {table} AS e")
        return round(cursor.fetchone()[0])
