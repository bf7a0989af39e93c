"""From the stream into the ledger, whatever happens on the way: promises 1 and 6."""

import json
import logging
import uuid
from typing import Any

import pytest
from django.db import connection

from llmhub.base.valkey import valkey
from tenants.tenancy import in_schema
from tenants.usage.drain import DEAD_STREAM, GROUP, usage_drain_all
from tenants.usage.events import FIELD, STREAM, UsageFacts, events_dump, events_parse
from tenants.usage.models import UsageEvent
from tenants.usage.services import UsageCounts, usage_record
from tenants.usage.tasks import usage_drain
from tests.committed_people import Person, committed_tenant
from tests.usage.examples import daily, usage


def put(*events: UsageFacts) -> None:
    valkey().xadd(STREAM, {FIELD: events_dump(list(events))})


def test_it_empties_the_stream(alice: Person) -> None:
    for _ in range(30):
        put(usage(alice), usage(alice))
    usage_drain()
    assert daily(alice)[0][2:6] == (60, 0, 600, 300)
    assert valkey().xlen(STREAM) == 0
    assert valkey().xpending(STREAM, GROUP)["pending"] == 0


def test_it_goes_on_where_a_killed_drain_stopped(alice: Person) -> None:
    """One entry it had read and not recorded, the other recorded and not acknowledged."""
    read, recorded = usage(alice), usage(alice)
    put(read)
    put(recorded)
    usage_drain_group()
    valkey().xreadgroup(GROUP, "killed", {STREAM: ">"})
    usage_record([recorded])
    assert usage_drain_all(claim_after_ms=60_000) == UsageCounts()
    assert usage_drain_all(claim_after_ms=0) == UsageCounts(recorded=1, repeated=1)
    assert daily(alice)[0][2] == 2
    assert valkey().xlen(STREAM) == 0


def usage_drain_group() -> None:
    valkey().xgroup_create(STREAM, GROUP, id="0", mkstream=True)


@pytest.mark.parametrize(
    "entry",
    [
        {FIELD: b"not json"},
        {FIELD: b"{}"},
        {FIELD: b"[{}]"},
        {FIELD: b"[1]"},
        {FIELD: b"[[]]"},
        {b"other": b"[]"},
    ],
    ids=str,
)
def test_what_cannot_be_an_event_is_put_aside(
    alice: Person, entry: dict[Any, Any], caplog: pytest.LogCaptureFixture
) -> None:
    valkey().xadd(STREAM, entry)
    put(usage(alice))
    with caplog.at_level(logging.ERROR):
        assert usage_drain_all() == UsageCounts(recorded=1)
    assert valkey().xlen(STREAM) == 0
    assert valkey().xlen(DEAD_STREAM) == 1
    assert DEAD_STREAM in caplog.text


IMPOSSIBLE: list[dict[str, Any]] = [
    {"input_tokens": -1},
    {"output_tokens": 10**30},
    {"input_tokens": 1.5},
    {"input_tokens": True},
    {"at": "yesterday"},
    {"at": "2026-05-04T12:00:00"},
    {"at": "9999-12-31T00:00:00+00:00"},
    {"tenant_id": "alice"},
    {"model_type": "magic"},
    {"model_type": ["chat"]},
    {"llm_name": "x" * 256},
    {"llm_name": "a\0b"},
    {"is_shared": "no"},
    {"http_status": 70_000},
    {"latency_ms": 2**40},
    {"first_byte_ms": -1},
    {"attempt": 256},
    {"images": -1},
    {"audio_ms": 10**30},
    {"characters": float("inf")},
    {"cost_usd": "NaN"},
    {"cost_usd": "Infinity"},
    {"cost_usd": "-0.1"},
    {"cost_usd": 0.1},
    {"cost_usd": "1e30"},
    {"result_status": "200"},
    {"result_code": "x" * 65},
]


@pytest.mark.parametrize("changes", IMPOSSIBLE, ids=str)
def test_impossible_facts_are_put_aside(alice: Person, changes: dict[str, Any]) -> None:
    row = json.loads(events_dump([usage(alice)]))[0]
    changed = dict(zip(UsageFacts._fields, row, strict=True)) | changes
    valkey().xadd(STREAM, {FIELD: json.dumps([list(changed.values())])})
    assert usage_drain_all() == UsageCounts()
    assert valkey().xlen(DEAD_STREAM) == 1


def test_what_is_dumped_is_parsed(alice: Person) -> None:
    events = [usage(alice), usage(alice, first_byte_ms=3)]
    assert events_parse(events_dump(events)) == events


def test_an_older_gateway_and_a_newer_one_are_understood(alice: Person) -> None:
    row = json.loads(events_dump([usage(alice)]))[0]
    older, newer = row[: len(row) - 1], [*row, "what is not known yet"]
    assert events_parse(json.dumps([older, newer]).encode()) == events_parse(json.dumps([row, row]))


def test_an_entry_that_the_database_refuses_holds_up_nobody(alice: Person) -> None:
    refused = usage(alice, llm_name="refused")
    with in_schema(alice.tenant), connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE usage_usageevent ADD CONSTRAINT test_refusal CHECK (llm_name <> 'refused')"
        )
    try:
        put(usage(alice))
        put(refused)
        put(usage(alice))
        assert usage_drain_all() == UsageCounts(recorded=2)
    finally:
        with in_schema(alice.tenant), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE usage_usageevent DROP CONSTRAINT test_refusal")
    assert valkey().xlen(DEAD_STREAM) == 1
    assert daily(alice)[0][2] == 2


def test_events_of_a_deleted_tenant_are_dropped(alice: Person) -> None:
    with committed_tenant("gone") as gone:
        gone_id = gone.pk
    put(usage(alice, tenant_id=gone_id), usage(alice))
    put(usage(alice, tenant_id=uuid.uuid4()))
    assert usage_drain_all() == UsageCounts(recorded=1, dropped=2)
    assert valkey().xlen(STREAM) == 0
    assert valkey().exists(DEAD_STREAM) == 0


def test_a_flushed_valkey_starts_anew(alice: Person) -> None:
    put(usage(alice))
    usage_drain_all()
    valkey().flushdb()
    put(usage(alice))
    assert usage_drain_all() == UsageCounts(recorded=1)
    with in_schema(alice.tenant):
        assert UsageEvent.objects.count() == 2
