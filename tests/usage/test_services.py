"""Each event once, and sums that follow exactly: promise 6."""

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

from django.db import connections

from tenants.llms.models import TenantLLM
from tenants.models import AccessToken
from tenants.tenancy import in_schema
from tenants.usage.events import UsageFacts
from tenants.usage.models import UsageEvent
from tenants.usage.rollups import usage_rollup_rebuild
from tenants.usage.services import UsageCounts, usage_record
from tests.committed_people import Person
from tests.usage.examples import NOON, daily, shared_daily, usage

DAY = NOON.date()


def test_an_event_moves_every_sum(alice: Person) -> None:
    row = alice.connect("http://127.0.0.1:1/v1")
    assert usage_record([usage(alice, connection_id=row.pk)]) == UsageCounts(recorded=1)
    assert daily(alice) == [(DAY, "test-chat", 1, 0, 10, 5, 2, 1)]
    assert shared_daily(alice) == [(DAY, "test-chat", 1, 0, 10, 5)]
    assert alice.used_tokens() == {"test-chat": 15, "test-embedding": 0}
    assert AccessToken.objects.get(pk=alice.token_id).last_used_at == NOON


def test_repeated_and_late_events_change_nothing(alice: Person) -> None:
    early, late = usage(alice), usage(alice, at=NOON - timedelta(days=40), input_tokens=7)
    assert usage_record([early, early]) == UsageCounts(recorded=1, repeated=1)
    assert usage_record([late, early]) == UsageCounts(recorded=1, repeated=1)
    assert usage_record([early, late]) == UsageCounts(repeated=2)
    assert [row[2:6] for row in daily(alice)] == [(1, 0, 7, 5), (1, 0, 10, 5)]


def test_a_failed_attempt_counts_as_one(alice: Person) -> None:
    nothing = {"input_tokens": 0, "output_tokens": 0, "cached_tokens": 0, "reasoning_tokens": 0}
    failed = {**nothing, "http_status": 0, "error_kind": "timeout", "result_status": 504}
    usage_record([usage(alice, **failed), usage(alice)])
    assert daily(alice) == [
        (DAY, "test-chat", 1, 1, 0, 0, 0, 0),
        (DAY, "test-chat", 1, 0, 10, 5, 2, 1),
    ]


def test_a_day_ends_at_midnight_utc(alice: Person) -> None:
    midnight = NOON + timedelta(hours=12)
    usage_record([usage(alice, at=midnight - timedelta(microseconds=1)), usage(alice, at=midnight)])
    assert [row[0] for row in daily(alice)] == [DAY, DAY + timedelta(days=1)]


def test_a_shared_model_gets_its_counter_with_its_first_use(alice: Person) -> None:
    shared = uuid.uuid4()
    for _ in range(2):
        usage_record([usage(alice, is_shared=True, connection_id=shared)])
    with in_schema(alice.tenant):
        row = TenantLLM.objects.get(shared_connection_id=shared)
    assert (row.used_tokens, row.is_enabled, row.llm_factory) == (30, True, "Scripted")


def test_a_deleted_model_keeps_its_events(alice: Person) -> None:
    row = alice.connect("http://127.0.0.1:1/v1")
    with in_schema(alice.tenant):
        TenantLLM.objects.filter(llm_name="test-chat").delete()
    usage_record([usage(alice, connection_id=row.pk)])
    assert daily(alice)[0][4:6] == (10, 5)


def test_a_tenant_that_is_gone_holds_nobody_up(alice: Person) -> None:
    orphan = usage(alice, tenant_id=uuid.uuid4())
    assert usage_record([orphan, usage(alice)]) == UsageCounts(recorded=1, dropped=1)


def many(alice: Person, count: int) -> list[UsageFacts]:
    chosen = random.Random(7)
    return [
        usage(
            alice,
            llm_name=chosen.choice(["a", "b", "c"]),
            connection_id=uuid.UUID(int=chosen.randrange(3)),
            is_shared=True,
            at=NOON + timedelta(days=chosen.randrange(3)),
            input_tokens=chosen.randrange(1000),
        )
        for _ in range(count)
    ]


def record_and_close(events: list[UsageFacts]) -> UsageCounts:
    try:
        return usage_record(events)
    finally:
        connections.close_all()


def test_drains_at_once_with_the_same_events_record_each_once(alice: Person) -> None:
    events = many(alice, 400)
    batches = []
    for seed in range(8):
        shuffled = list(events)
        random.Random(seed).shuffle(shuffled)
        batches += [shuffled[start : start + 100] for start in range(0, 400, 100)]
    with ThreadPoolExecutor(6) as pool:
        counts = sum(pool.map(record_and_close, batches), UsageCounts())
    assert counts == UsageCounts(recorded=400, repeated=7 * 400)
    total = sum(event.input_tokens for event in events)
    assert sum(row[4] for row in daily(alice)) == total
    assert sum(row[4] for row in shared_daily(alice)) == total
    assert sum(alice.used_tokens().values()) <= total + 400 * 5
    with in_schema(alice.tenant):
        used = sum(TenantLLM.objects.values_list("used_tokens", flat=True))
    assert used == total + 400 * 5


def test_a_rollup_that_is_made_anew_equals_the_one_that_was_kept(alice: Person) -> None:
    usage_record(many(alice, 200))
    kept = daily(alice), shared_daily(alice)
    for day in {row[0] for row in kept[0]}:
        for _ in range(2):
            usage_rollup_rebuild(tenant=alice.tenant, day=day)
    assert (daily(alice), shared_daily(alice)) == kept


def test_a_rollup_can_be_made_anew_while_events_come(alice: Person) -> None:
    events = many(alice, 600)

    def rebuild(day: date) -> None:
        try:
            usage_rollup_rebuild(tenant=alice.tenant, day=day)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        for start in range(0, 600, 50):
            pool.submit(record_and_close, events[start : start + 50])
            pool.submit(rebuild, DAY)
    with in_schema(alice.tenant):
        assert UsageEvent.objects.count() == 600
    total = sum(event.input_tokens for event in events)
    assert sum(row[4] for row in daily(alice)) == total
    assert sum(row[4] for row in shared_daily(alice)) == total
