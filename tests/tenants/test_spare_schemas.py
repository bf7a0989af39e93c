"""Schemas made ahead: each goes to one tenant, and nothing half-made or outdated to any."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from llmhub.base.errors import InvalidRequest
from llmhub.schema_versions import outdated_schemas
from tenants.models import SpareSchema, Tenant
from tenants.models.tenant import SCHEMA_PATTERN, schema_name_of
from tenants.platform import platform_get
from tenants.schema_template import fingerprint, schema_create
from tenants.services.tenants import tenant_create, tenant_delete
from tenants.spare_schemas import STALE_AFTER, schema_provide, spare_schemas_refill
from tenants.tasks import MADE_IN_ONE_RUN, spare_schemas_refill_task
from tests.people import ACTOR
from tests.waiting import wait_until

OTHER_MIGRATIONS = "0" * 64


def create(slug: str, owner: str = "alice@example.com") -> Tenant:
    return tenant_create(slug=slug, name=slug, owner_email=owner, actor=ACTOR).tenant


def query(text: str, *params: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(text, params)
        return cursor.fetchall()


def execute(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text)


def schemas(beginning: str) -> dict[str, int]:
    """The schemas whose names begin so, and their ids, which a change of name leaves alone."""
    return dict(
        query("SELECT nspname, oid FROM pg_namespace WHERE starts_with(nspname, %s)", beginning)
    )


def spares() -> dict[str, int]:
    return schemas("spare_")


def rows() -> set[str]:
    return set(SpareSchema.objects.values_list("schema_name", flat=True))


def spares_make(wanted: int) -> dict[str, int]:
    spare_schemas_refill(wanted=wanted)
    made = spares()
    assert len(made) == wanted
    assert rows() == made.keys()
    return made


@contextmanager
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    """A thread with a connection of its own, which is closed at the end."""
    with ThreadPoolExecutor(1) as thread:
        try:
            yield thread
        finally:
            thread.submit(lambda: connection.close()).result(timeout=10)


def test_a_tenant_takes_a_spare_and_leaves_none_of_its_name(db):
    made = spares_make(1)
    tenant = create("alice")
    assert schemas("t_") == {"t_alice": next(iter(made.values()))}
    assert spares() == {}
    assert rows() == set()
    tenant_delete(tenant=tenant, actor=ACTOR)
    assert schemas("t_") == {}


def test_the_oldest_goes_first(db):
    first = next(iter(spares_make(1).values()))
    SpareSchema.objects.update(created_at=timezone.now() - timedelta(days=30))
    spares_make(3)
    create("alice")
    assert schemas("t_") == {"t_alice": first}


def test_without_a_spare_the_schema_is_made(db):
    create("alice")
    assert schemas("t_").keys() == {"t_alice"}


def test_a_name_is_a_schema_name_that_no_tenant_can_have(db):
    (name,) = spares_make(1)
    assert re.match(SCHEMA_PATTERN, name)
    assert not name.startswith(schema_name_of(""))
    assert fingerprint()[:8] in name


def test_a_creation_that_fails_after_taking_a_spare_gives_it_back(db):
    made = spares_make(1)
    with pytest.raises(InvalidRequest):
        create("alice", "not an address")
    assert spares() == made
    assert rows() == made.keys()
    create("alice")
    assert schemas("t_") == {"t_alice": next(iter(made.values()))}


def test_of_two_creations_at_once_one_takes_the_only_spare_and_neither_waits(committed):
    platform_get()  # otherwise the first creation makes this row, and the second waits for it
    (spare,) = spares_make(1).values()
    with elsewhere() as thread:
        with transaction.atomic():
            create("alice")
            thread.submit(create, "charlie", "charlie@example.com").result(timeout=30)
            assert spare not in schemas("t_charlie").values()
        assert schemas("t_alice") == {"t_alice": spare}
    assert spares() == {}


def test_a_spare_that_another_creation_gives_back_is_taken_by_the_next(committed):
    (spare,) = spares_make(1).values()
    with elsewhere() as thread:
        with transaction.atomic():
            create("alice")
            transaction.set_rollback(True)
        thread.submit(create, "charlie", "charlie@example.com").result(timeout=30)
    assert schemas("t_") == {"t_charlie": spare}


def test_many_creations_at_once_share_no_spare(committed):
    made = set(spares_make(3).values())
    barrier = threading.Barrier(6)

    def run(number: int) -> None:
        try:
            barrier.wait(timeout=10)
            create(f"tenant-{number}", f"owner{number}@example.com")
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(run, range(6)))
    created = set(schemas("t_tenant_").values())
    assert len(created) == 6
    assert made < created
    assert spares() == {}
    assert rows() == set()


def test_filling_up_again_changes_nothing(db):
    made = spares_make(2)
    assert spare_schemas_refill(wanted=2) == 0
    assert spares() == made
    create("alice")
    assert spare_schemas_refill(wanted=2) == 1
    assert len(spares()) == 2


def test_two_refills_at_once_make_no_more_than_are_wanted(committed):
    barrier = threading.Barrier(3)

    def run(_: int) -> int:
        try:
            barrier.wait(timeout=10)
            return spare_schemas_refill(wanted=3)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(run, range(3)))
    spare_schemas_refill(wanted=3)
    assert sum(made) <= 3
    assert len(spares()) == 3
    assert rows() == spares().keys()


def test_a_lower_number_drops_the_newest(db):
    (oldest,) = spares_make(1)
    SpareSchema.objects.update(created_at=timezone.now() - timedelta(days=30))
    spares_make(3)
    spares_make(1)
    assert spares().keys() == {oldest}


def test_spares_of_other_migrations_are_never_taken(db):
    made = spares_make(2)
    SpareSchema.objects.update(fingerprint=OTHER_MIGRATIONS)
    create("alice")
    assert schemas("t_")["t_alice"] not in made.values()
    assert spares() == made


def test_spares_of_other_migrations_are_dropped_once_no_process_of_that_release_runs(db):
    made = spares_make(2)
    SpareSchema.objects.update(fingerprint=OTHER_MIGRATIONS)
    assert spare_schemas_refill(wanted=2) == 2
    assert made.keys() <= spares().keys()
    old = timezone.now() - STALE_AFTER - timedelta(minutes=1)
    SpareSchema.objects.filter(pk__in=made).update(created_at=old)
    assert spare_schemas_refill(wanted=2) == 0
    assert len(spares()) == 2
    assert not made.keys() & spares().keys()
    assert rows() == spares().keys()


def test_switched_off_none_is_taken_and_the_task_drops_them_all(db, settings):
    made = spares_make(3)
    SpareSchema.objects.filter(pk=next(iter(made))).update(fingerprint=OTHER_MIGRATIONS)
    settings.HUB = replace(settings.HUB, hub_spare_schemas=0)
    create("alice")
    assert spares() == made
    spare_schemas_refill_task()
    assert spares() == {}
    assert rows() == set()


def test_the_task_makes_as_many_as_the_setting_says_a_few_a_run(db, settings):
    settings.HUB = replace(settings.HUB, hub_spare_schemas=2)
    spare_schemas_refill_task()
    assert len(spares()) == 2
    settings.HUB = replace(settings.HUB, hub_spare_schemas=2 + MADE_IN_ONE_RUN + 1)
    spare_schemas_refill_task()
    assert len(spares()) == 2 + MADE_IN_ONE_RUN
    spare_schemas_refill_task()
    assert len(spares()) == 2 + MADE_IN_ONE_RUN + 1


def test_a_spare_whose_schema_somebody_dropped_stops_nobody(db):
    made = spares_make(2)
    gone, kept = sorted(made, key=lambda name: SpareSchema.objects.get(pk=name).created_at)
    execute(f"DROP SCHEMA {gone} CASCADE")
    create("alice")
    assert schemas("t_") == {"t_alice": made[kept]}
    create("bob")
    assert spare_schemas_refill(wanted=1) == 1
    SpareSchema.objects.filter(pk=gone).update(created_at=timezone.now() - 2 * STALE_AFTER)
    spare_schemas_refill(wanted=1)
    assert rows() == spares().keys()


def waiting() -> list[tuple]:
    """The backend that waits for a lock."""
    return query("SELECT pid FROM pg_locks WHERE NOT granted")


def has_made_a_schema(pid: int) -> bool:
    """Its tables, seen by nobody yet, are locked for the backend that made them."""
    locks = query(
        "SELECT count(*) FROM pg_locks"
        " WHERE pid = %s AND locktype = 'relation' AND mode = 'AccessExclusiveLock' AND granted",
        pid,
    )
    return locks[0][0] > 20


def test_a_task_killed_half_way_leaves_nothing_that_could_be_used(committed, settings, caplog):
    settings.HUB = replace(settings.HUB, hub_spare_schemas=2)
    with elsewhere() as thread:
        with transaction.atomic():
            execute("LOCK TABLE tenants_spareschema IN SHARE MODE")
            task: Future[None] = thread.submit(spare_schemas_refill_task)
            wait_until(waiting, what="the task waits to add its row")
            ((pid,),) = waiting()
            assert has_made_a_schema(pid)
            query("SELECT pg_terminate_backend(%s)", pid)
            task.result(timeout=30)
        assert "spare schemas wait: OperationalError" in caplog.text
    assert spares() == {}
    assert rows() == set()
    spare_schemas_refill_task()
    assert len(spares()) == 2
    create("alice")
    assert len(spares()) == 1


def test_a_tenant_that_takes_the_last_spare_wins_over_the_task_that_would_drop_it(committed):
    (spare,) = spares_make(1).values()
    with elsewhere() as thread:
        with transaction.atomic():
            create("alice")
            dropping = thread.submit(spare_schemas_refill, wanted=0)
            wait_until(waiting, what="the task waits for the row")
        dropping.result(timeout=30)
    assert schemas("t_") == {"t_alice": spare}
    assert spares() == {}


def test_migrating_and_looking_for_outdated_schemas_pass_spares_by(db):
    made = spares_make(2)
    create("alice")
    assert outdated_schemas() == []
    call_command("migrate_schemas", verbosity=0)
    connection.set_schema_to_public()
    assert len(spares()) == 1
    assert spares().items() <= made.items()


def test_what_a_schema_leaves_behind_it_is_found_where_it_was(db):
    """The search path of the connection is the same after a schema was made."""
    before = query("SHOW search_path")
    schema_create("t_made")
    assert query("SHOW search_path") == before
    spares_make(1)
    schema_provide("t_taken")
    assert query("SHOW search_path") == before
