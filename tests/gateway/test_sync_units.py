"""The bridge to the database: promise 20."""

import asyncio
from uuid import UUID

import pytest
from django.db import OperationalError

from gateway.sync_units import DatabaseAway, SyncUnits
from tenants.llms.models import Connection
from tenants.llms.snapshot_build import snapshot_build
from tenants.models import Tenant
from tenants.tenancy import in_schema
from tests.committed_people import Person

READS = 5_000
"""Of each tenant."""
COROUTINES = 20
READS_A_UNIT = 20


def names_of_connections(tenant: Tenant) -> set[str]:
    """One synchronous unit: enter the schema, query, leave."""
    found: set[str] = set()
    for _ in range(READS_A_UNIT):
        with in_schema(tenant):
            found |= set(Connection.objects.values_list("name", flat=True))
    return found


def test_no_tenant_ever_reads_anothers_rows(alice: Person, charlie: Person) -> None:
    people = (alice, charlie)
    for person in people:
        person.connect("http://127.0.0.1:1/v1", name=person.tenant.name, models=[])
    units = SyncUnits()

    async def read(person: Person) -> int:
        own = {"default", person.tenant.name}
        for _ in range(READS // COROUTINES // READS_A_UNIT):
            assert await units.run(names_of_connections, person.tenant) == own
        return READS // COROUTINES

    async def read_all() -> list[int]:
        return await asyncio.gather(*(read(p) for _ in range(COROUTINES) for p in people))

    assert sum(asyncio.run(read_all())) == 2 * READS
    units.close()


def test_snapshots_of_two_tenants_never_mix(alice: Person, charlie: Person) -> None:
    units = SyncUnits()

    async def build(tenant_id: UUID) -> None:
        for _ in range(5):
            snapshot = await units.run(snapshot_build, tenant_id)
            assert snapshot is not None
            assert snapshot.tenant_id == tenant_id
            assert len(snapshot.tokens) == 1

    async def build_all() -> None:
        await asyncio.gather(*(build(p.tenant.pk) for p in (alice, charlie) * 10))

    asyncio.run(build_all())
    units.close()


async def test_the_schema_is_not_entered_in_the_event_loop(alice: Person) -> None:
    with pytest.raises(RuntimeError, match="synchronous"):
        names_of_connections(alice.tenant)


async def test_a_database_that_is_away_is_not_asked_again_at_once() -> None:
    units = SyncUnits()
    asked = 0

    def fail() -> None:
        nonlocal asked
        asked += 1
        raise OperationalError

    for _ in range(3):
        with pytest.raises(DatabaseAway):
            await units.run(fail)
    units.close()
    assert asked == 1
