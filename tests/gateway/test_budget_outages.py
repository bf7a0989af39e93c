"""Budgets while Valkey, PostgreSQL or both are away, and after: promise 13."""

from collections.abc import Iterator

import pytest

from tenants.models import BudgetHold
from tests.committed_people import Person
from tests.gateway.limits import ASKED, USED, at_once, small, statuses, the_budget
from tests.gateway.raw_http import CHAT, chat
from tests.gateway.test_outages import Wired, wired_gateway
from tests.provider_server import ProviderServer, Reply
from tests.waiting import wait_until


@pytest.fixture
def wired(alice: Person) -> Iterator[Wired]:
    """Everything is connected, and the gateway knows Alice. One for each test: what a gateway
    remembers of undrained usage must not come back in the next."""
    with wired_gateway() as wired:
        wait_until(lambda: chat(wired.gateway, alice.token).status == 200, what="the first answer")
        yield wired
        for cable in (wired.postgres, wired.valkey):
            cable.cut()
            cable.mend()


def spent(person: Person) -> int:
    return int(the_budget(person)["spent"])


def test_without_valkey_a_hard_budget_is_not_oversold_and_nothing_fails(
    wired: Wired, alice: Person, provider: ProviderServer
) -> None:
    alice.budget(1_000)
    assert small(wired.gateway, alice.token).status == 200
    before = len(provider.requests_to(CHAT))
    wired.valkey.cut()
    slow = Reply(chunks=[b" "] * 30, pause_s=0.1, body=b"")
    provider.script(CHAT, *[slow] * 40)
    answers = at_once(lambda _: small(wired.gateway, alice.token), 40)
    admitted = len(provider.requests_to(CHAT)) - before
    # Each reserves more than its answer's limit, and the whole is less than a thousand.
    assert 1 <= admitted <= 1_000 // ASKED
    refused = statuses(answers)[429]
    assert refused == 40 - admitted
    assert not BudgetHold.objects.filter(tenant=alice.tenant).exists()


def test_what_was_spent_without_valkey_counts_when_it_is_back(wired: Wired, alice: Person) -> None:
    alice.budget(100_000)
    for _ in range(2):
        assert small(wired.gateway, alice.token).status == 200
    wired.valkey.cut()
    for _ in range(3):
        assert small(wired.gateway, alice.token).status == 200
    wired.valkey.mend()
    for _ in range(3):
        assert small(wired.gateway, alice.token).status == 200
    wait_until(lambda: spent(alice) == len(alice.ledger()) * USED, timeout_s=30)
    assert len(alice.ledger()) == 1 + 2 + 3 + 3
    assert the_budget(alice)["reserved"] == "0"


def test_undrained_usage_counts_when_valkey_goes(wired: Wired, alice: Person) -> None:
    """Nobody has drained it: the gateway itself knows of it."""
    used = USED * (1 + 4)
    alice.budget(used + ASKED)
    for _ in range(4):
        assert small(wired.gateway, alice.token, max_tokens=1).status == 200
    wired.valkey.cut()
    assert small(wired.gateway, alice.token).status == 429


def test_with_both_away_a_hard_budget_is_closed_and_a_soft_one_open(
    wired: Wired, alice: Person, charlie: Person
) -> None:
    alice.budget(100_000)
    charlie.budget(1, is_hard=False)
    for person in (alice, charlie):
        assert small(wired.gateway, person.token).status == 200
    wired.postgres.cut()
    wired.valkey.cut()
    answer = small(wired.gateway, alice.token)
    assert (answer.status, answer.code) == (503, "budget_unavailable")
    assert answer.headers["retry-after"]
    assert small(wired.gateway, charlie.token).status == 200
    wired.postgres.mend()
    wired.valkey.mend()
    wait_until(lambda: small(wired.gateway, alice.token).status == 200, timeout_s=20)


def test_without_postgresql_a_known_budget_goes_on(wired: Wired, alice: Person) -> None:
    alice.budget(100_000)
    assert small(wired.gateway, alice.token).status == 200
    wired.postgres.cut()
    assert statuses([small(wired.gateway, alice.token) for _ in range(3)]) == {200: 3}


def test_a_budget_that_nobody_can_look_up_is_closed(wired: Wired, alice: Person) -> None:
    from llmhub.base.valkey import valkey

    alice.budget(100_000)
    assert small(wired.gateway, alice.token).status == 200
    wired.postgres.cut()
    for key in valkey().scan_iter(match="hub:budget:*"):
        valkey().delete(key)
    answer = small(wired.gateway, alice.token)
    assert (answer.status, answer.code) == (503, "budget_unavailable")
