"""Promise 21: what stands in places that tenants share carries the tenant."""

import asyncio
import inspect
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from celery import current_app
from django.db import connection

from llmhub.base.valkey import valkey
from tenants.config_versions import version_key
from tenants.llms import tasks
from tenants.llms.models import Connection
from tenants.llms.recheck import RECHECK_KEY, recheck_member, rechecks_take
from tenants.tenancy import in_schema
from tests.management import model_add
from tests.people import person_make

# Keys that belong to no tenant: work lists whose members carry it, and the broker's own.
SHARED_KEYS = {RECHECK_KEY.encode()}


def test_what_is_written_to_valkey_carries_the_tenant(
    alice, provider, django_capture_on_commit_callbacks
):
    valkey().flushdb()
    with django_capture_on_commit_callbacks(execute=True):
        model_add(alice.api, provider)
        alice.api.put("defaults", {"chat": "test-chat"}).require_success()
        alice.api.get("list").require_success()
    keys = set(valkey().scan_iter()) - SHARED_KEYS
    assert keys == {version_key(alice.tenant.pk).encode()}


def test_two_tenants_have_two_versions(alice, charlie):
    assert version_key(alice.tenant.pk) != version_key(charlie.tenant.pk)


def test_a_wish_to_test_again_carries_the_tenant(alice):
    connection_id = uuid4()
    valkey().delete(RECHECK_KEY)
    valkey().sadd(RECHECK_KEY, recheck_member(alice.tenant.pk, connection_id))
    assert rechecks_take() == [(alice.tenant.pk, connection_id)]
    assert rechecks_take() == []


def test_every_task_takes_its_tenant_or_none_at_all():
    """A task of no tenant only finds what is to be done, for every tenant."""
    ours = {n: t for n, t in current_app.tasks.items() if not n.startswith("celery.")}
    assert set(ours) >= {tasks.connections_check.name, tasks.rechecks_run.name}
    for name, task in ours.items():
        parameters = list(inspect.signature(task.run).parameters)
        assert parameters == [] or parameters[0] == "tenant_id", name


def test_the_schema_is_not_switched_where_coroutines_share_a_connection(alice):
    async def wrong() -> None:
        with in_schema(alice.tenant):
            pass

    with pytest.raises(RuntimeError, match="sync_to_async"):
        asyncio.run(wrong())


def test_coroutines_of_two_tenants_never_read_each_others_rows(committed):
    """Promise 20: two tenants, twenty coroutines each, ten thousand reads, none wrong.

    Each read is one synchronous unit on one of four threads, and gives its connection back to the
    pool, where a unit of the other tenant finds it.
    """
    people = [person_make("Alice", "alice"), person_make("Charlie", "charlie")]
    for person in people:
        with in_schema(person.tenant):
            Connection.objects.create(
                llm_factory="OpenAI", name=person.tenant.slug, sealed_credentials="-"
            )

    def read(person) -> tuple[str, ...]:
        try:
            with in_schema(person.tenant):
                return (person.tenant.slug, *Connection.objects.values_list("name", flat=True))
        finally:
            connection.close()

    async def coroutine(pool, person) -> list[tuple[str, ...]]:
        loop = asyncio.get_running_loop()
        return [await loop.run_in_executor(pool, read, person) for _ in range(250)]

    async def main() -> Counter[tuple[str, ...]]:
        with ThreadPoolExecutor(4) as pool:
            readers = (coroutine(pool, person) for person in people for _ in range(20))
            return Counter(row for rows in await asyncio.gather(*readers) for row in rows)

    assert asyncio.run(main()) == {("alice", "alice"): 5000, ("charlie", "charlie"): 5000}
