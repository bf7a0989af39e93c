"""Tenants in memory, and what strangers may cost."""

import asyncio
import uuid
from collections.abc import Callable

import pytest

from gateway.errors import TooBusy
from gateway.single_flight import SingleFlight
from gateway.snapshot_cache import LOOKUPS_PER_S, SnapshotCache
from gateway.sync_units import SyncUnits
from llmhub.base.tokens import token_hash
from tests.committed_people import Person


def with_cache(work: Callable[[SnapshotCache], object]) -> None:
    async def run() -> None:
        units = SyncUnits()
        await work(SnapshotCache(units))  # type: ignore[misc]
        units.close()

    asyncio.run(run())


def test_a_token_finds_its_own_tenant(alice: Person, charlie: Person) -> None:
    async def work(cache: SnapshotCache) -> None:
        for person in (alice, charlie):
            hashed = token_hash(person.token)
            assert cache.find(hashed) is None
            held = await cache.load(hashed)
            assert held is not None
            assert held.snapshot.tenant_id == person.tenant.pk
            assert cache.find(hashed) is held

    with_cache(work)


def test_a_rebuilt_snapshot_forgets_tokens_that_are_gone(alice: Person) -> None:
    async def work(cache: SnapshotCache) -> None:
        hashed = token_hash(alice.token)
        await cache.load(hashed)
        await asyncio.to_thread(alice.revoke)
        await cache.rebuild(alice.tenant.pk)
        assert cache.find(hashed) is None

    with_cache(work)


def test_guessing_is_bounded_and_does_not_refuse_new_tokens(alice: Person) -> None:
    async def work(cache: SnapshotCache) -> None:
        known_to_be_unknown = uuid.uuid4().hex
        assert await cache.load(known_to_be_unknown) is None

        async def guess() -> None:
            for _ in range(LOOKUPS_PER_S * 100):
                await cache.load(uuid.uuid4().hex)

        with pytest.raises(TooBusy):
            await guess()
        held = None
        async with asyncio.timeout(10):
            while held is None:
                try:
                    held = await cache.load(token_hash(alice.token))
                except TooBusy:
                    await asyncio.sleep(0.001)

    with_cache(work)


async def test_a_flight_never_begins_before_the_question() -> None:
    """Whoever asks while one runs gets the next one; whoever asks before it begins shares it."""
    begun = 0
    has_begun, gate = asyncio.Event(), asyncio.Event()

    async def run(key: str) -> int:
        nonlocal begun
        begun += 1
        mine = begun
        has_begun.set()
        await gate.wait()
        return mine

    flight = SingleFlight(run)
    first = [asyncio.ensure_future(flight("a")) for _ in range(5)]
    await has_begun.wait()
    second = [asyncio.ensure_future(flight("a")) for _ in range(5)]
    await asyncio.sleep(0)
    second[0].cancel()
    gate.set()
    assert await asyncio.gather(*first) == [1] * 5
    assert await asyncio.gather(*second[1:]) == [2] * 4


async def test_a_failing_flight_fails_for_everyone_and_is_tried_anew() -> None:
    outcomes = iter([ValueError("no"), "yes"])

    async def run(key: str) -> str:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    flight = SingleFlight(run)
    results = await asyncio.gather(flight("a"), flight("a"), return_exceptions=True)
    assert all(isinstance(result, ValueError) for result in results)
    assert await flight("a") == "yes"
