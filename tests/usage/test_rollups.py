"""Rollup = sum of events, whatever the order, the batches, the repeats and the kills: promise 6."""

import io
import json
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from llmhub.base.valkey import valkey
from tenants.models import Tenant, TenantUsageDaily
from tenants.tenancy import in_schema
from tenants.usage import ledger
from tenants.usage.drain import usage_drain_all
from tenants.usage.events import FIELD, STREAM, UsageFacts, events_dump
from tenants.usage.models import UsageEvent
from tenants.usage.retention import usage_drop_old
from tenants.usage.rollups import usage_days, usage_rollup_rebuild
from tenants.usage.services import usage_record
from tenants.usage.sums import EVENT_SUMS
from tests.committed_people import Person
from tests.properties import untimed
from tests.usage.examples import NOON, ROLLUPS, every_sum, usage

DAY = NOON.date()

drawn_events = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(-3 * 24 * 60, 3 * 24 * 60).map(lambda m: NOON + timedelta(minutes=m)),
            "llm_name": st.sampled_from(["a", "b"]),
            "connection_id": st.sampled_from([uuid.UUID(int=1), uuid.UUID(int=2)]),
            "access_token_id": st.sampled_from([uuid.UUID(int=3), uuid.UUID(int=4)]),
            "result_status": st.sampled_from([200, 502, None]),
            "attempt": st.integers(0, 3),
            "is_result": st.booleans(),
            "error_kind": st.sampled_from(["", "timeout"]),
            "input_tokens": st.integers(0, 10**9),
            "images": st.integers(0, 5),
            "cost_usd": st.none()
            | st.decimals(0, 10**6, places=9, allow_nan=False, allow_infinity=False),
        }
    ),
    max_size=12,
)


def emptied(person: Person) -> None:
    with in_schema(person.tenant):
        for model in (UsageEvent, *ROLLUPS):
            model.objects.all().delete()
    TenantUsageDaily.objects.filter(tenant=person.tenant).delete()


def summed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: sum(row[name] for row in rows) for name in EVENT_SUMS}


def expected(events: list[UsageFacts]) -> dict[str, Any]:
    """Counted in Python, from the events alone."""
    return {
        **{
            name: sum(getattr(event, name) for event in events)
            for name in ("input_tokens", "output_tokens", "images", "cached_tokens")
        },
        "requests": sum(event.is_result for event in events),
        "failed_requests": sum(event.is_result and bool(event.error_kind) for event in events),
        "attempts": sum(event.attempt > 0 for event in events),
        "unpriced_attempts": sum(event.cost_usd is None for event in events),
        "cost_usd": sum((event.cost_usd or Decimal(0) for event in events), Decimal(0)),
    }


@given(
    facts=drawn_events,
    order=st.randoms(use_true_random=False),
    size=st.integers(1, 5),
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York"]),
)
@settings(untimed, max_examples=60)
def test_sums_are_those_of_the_events(
    tenant: Tenant, facts: list[dict[str, Any]], order: Any, size: int, zone: str
) -> None:
    alice = Person(tenant, "", uuid.UUID(int=5))
    Tenant.objects.filter(pk=alice.tenant.pk).update(time_zone=zone)
    events = [usage(alice, **of_one) for of_one in facts]
    repeated = events + events[: len(events) // 2]
    order.shuffle(repeated)
    for start in range(0, len(repeated), size):
        usage_record(repeated[start : start + size])
    kept = every_sum(alice)
    for model in ROLLUPS:
        found = summed(kept[model.__name__])
        assert {name: found[name] for name in expected(events)} == expected(events)
    assert sum(row["cost_usd"] for row in kept["shared"]) == expected(events)["cost_usd"]
    for day in usage_days(alice.tenant):
        assert usage_rollup_rebuild(tenant=alice.tenant, day=day)
    assert every_sum(alice) == kept
    Tenant.objects.filter(pk=alice.tenant.pk).update(time_zone="UTC")
    emptied(alice)


@pytest.fixture
def recorded(alice: Person) -> Person:
    usage_record(
        [usage(alice, at=NOON + timedelta(hours=11 * n), input_tokens=n) for n in range(1, 9)]
    )
    return alice


def test_sums_that_went_wrong_are_mended_by_the_command(recorded: Person) -> None:
    right = every_sum(recorded)
    with in_schema(recorded.tenant):
        for model in ROLLUPS:
            model.objects.update(input_tokens=0, cost_usd=99)
    TenantUsageDaily.objects.filter(tenant=recorded.tenant).update(requests=0)
    out = io.StringIO()
    call_command("usage_rebuild", tenant=recorded.tenant.slug, json=True, stdout=out)
    assert json.loads(out.getvalue()) == {"days_rebuilt": 5, "days_without_all_events": 0}
    assert every_sum(recorded) == right


def test_a_rebuild_that_is_killed_half_way_has_changed_nothing(recorded: Person) -> None:
    right = every_sum(recorded)

    class Killed(BaseException):
        pass

    def rebuild_and_die() -> None:
        with transaction.atomic():
            usage_rollup_rebuild(tenant=recorded.tenant, day=DAY)
            raise Killed

    with pytest.raises(Killed):
        rebuild_and_die()
    assert every_sum(recorded) == right


@pytest.fixture
def dying(alice: Person) -> Iterator[None]:
    """The database ends the session of whoever adds to the shared rollup, after the other sums."""
    name = "test_end_session"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE FUNCTION public.{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER {name} BEFORE INSERT ON public.tenants_tenantusagedaily"
            f" FOR EACH ROW EXECUTE FUNCTION public.{name}()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON public.tenants_tenantusagedaily")
        cursor.execute(f"DROP FUNCTION public.{name}")


def test_a_drain_that_dies_half_way_has_recorded_nothing_and_loses_nothing(
    alice: Person, dying: None
) -> None:
    from django.db import Error as DatabaseError

    events = [usage(alice, input_tokens=n) for n in range(20)]
    for event in events:
        valkey().xadd(STREAM, {FIELD: events_dump([event])})
    with pytest.raises(DatabaseError):
        usage_drain_all()
    connection.close()
    assert not any(every_sum(alice).values())
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER test_end_session ON public.tenants_tenantusagedaily")
    assert usage_drain_all(claim_after_ms=0).recorded == 20
    [day] = every_sum(alice)["UsageDaily"]
    assert day["input_tokens"] == sum(range(20))


def test_old_events_go_and_their_sums_stay(alice: Person) -> None:
    old, new = usage(alice), usage(alice, at=NOON + timedelta(days=1))
    usage_record([old, new])
    kept = every_sum(alice)
    first_kept = DAY + timedelta(days=1)
    try:
        assert drop_before(alice, first_kept).events == 1
        assert drop_before(alice, first_kept).events == 0
        with in_schema(alice.tenant):
            assert [event.pk for event in UsageEvent.objects.all()] == [new.id]
        assert every_sum(alice) == kept
        assert not usage_rollup_rebuild(tenant=alice.tenant, day=DAY)
        assert usage_rollup_rebuild(tenant=alice.tenant, day=first_kept)
        assert every_sum(alice) == kept
    finally:
        Tenant.objects.filter(pk=alice.tenant.pk).update(events_kept_since=None)


def drop_before(person: Person, day: date) -> Any:
    from django.utils import timezone

    days = (timezone.now().date() - day).days
    person.tenant.event_retention_days = days
    try:
        return usage_drop_old(tenant=person.tenant)
    finally:
        person.tenant.event_retention_days = None


def test_many_old_events_go_in_batches(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.usage.retention.BATCH", 3)
    usage_record([usage(alice) for _ in range(10)])
    try:
        assert drop_before(alice, DAY + timedelta(days=2)).events == 10
    finally:
        Tenant.objects.filter(pk=alice.tenant.pk).update(events_kept_since=None)


def test_the_platforms_default_counts_where_a_tenant_says_nothing(alice: Person) -> None:
    from dataclasses import replace

    from django.utils import timezone

    usage_record([usage(alice), usage(alice, at=timezone.now())])
    try:
        with override_settings(HUB=replace(django_settings.HUB, hub_event_retention_days=1)):
            assert usage_drop_old(tenant=alice.tenant).events == 1
    finally:
        Tenant.objects.filter(pk=alice.tenant.pk).update(events_kept_since=None)


def test_writers_of_one_ledger_take_turns(alice: Person) -> None:
    """The lock is the tenant's: whoever holds it sees every event and every sum, or neither."""
    with in_schema(alice.tenant), transaction.atomic():
        assert ledger.ledger_lock(alice.tenant.pk) == "UTC"
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            assert cursor.fetchone()[0] == 1
