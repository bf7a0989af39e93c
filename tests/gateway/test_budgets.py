"""A hard budget is never oversold, and every reservation settles: promises 3, 4 and 5."""

from collections.abc import Iterator

import pytest

from tenants.limits.units import Unit
from tests.committed_people import Person
from tests.gateway.limits import (
    USED,
    flush,
    own_process,
    price_set_for,
    small,
    statuses,
    the_budget,
    two_processes,
)
from tests.gateway.raw_http import CHAT, chat
from tests.gateway.server import RunningGateway
from tests.gateway.test_settle import drop_after
from tests.provider_server import SSE, ProviderServer, Reply, stream_chunks
from tests.waiting import wait_until

STREAM = Reply(headers={"content-type": SSE}, chunks=stream_chunks(has_usage=True))


@pytest.fixture
def priced(alice: Person) -> Iterator[None]:
    """A dollar for a million tokens in, ten for a million out."""
    price = price_set_for("test-chat", input_usd="1", output_usd="10")
    from tenants.audit.services import operator_change
    from tests.committed_people import ACTOR

    with operator_change(actor=ACTOR, action="price.set") as change:
        change.about("price", price.pk, "test-chat")
    yield
    price.llm.delete()


def reserved_by_one(gateway: RunningGateway, person: Person, provider: ProviderServer) -> int:
    """What a call of `small` reserves, seen while it runs."""
    budget_id = person.budget(10**9)
    provider.script(CHAT, Reply(hang=True))
    seen: list[int] = []

    def look() -> bool:
        seen[:] = [int(the_budget(person)["reserved"])]
        return seen[0] > 0

    from threading import Thread

    caller = Thread(
        target=lambda: drop_after(gateway, person.token, 0, reached=provider, max_tokens=100)
    )
    caller.start()
    wait_until(look, timeout_s=10, what="the reservation")
    caller.join(timeout=20)
    wait_until(lambda: the_budget(person)["reserved"] == "0", timeout_s=10, what="its end")
    from tenants.limits.services.budgets import budget_delete
    from tests.committed_people import ACTOR

    budget_delete(tenant=person.tenant, budget_id=budget_id, actor=ACTOR)
    return seen[0]


@pytest.fixture
def processes(alice: Person) -> Iterator[tuple[RunningGateway, RunningGateway]]:
    with two_processes() as both:
        yield both


def test_fifty_at_once_against_room_for_ten_admit_exactly_ten(
    processes: tuple[RunningGateway, RunningGateway], alice: Person, provider: ProviderServer
) -> None:
    token_id, token = alice.issue()
    one = reserved_by_one(processes[0], alice, provider)
    before = len(provider.requests_to(CHAT))
    alice.budget(10 * one, token_id=token_id)
    # None of the ten ends before the last of the fifty was decided.
    provider.script(CHAT, *[Reply(hang=True)] * 50)
    answers: list[int] = []
    from threading import Thread

    def call(number: int) -> None:
        gateway = processes[number % 2]
        try:
            answers.append(small(gateway, token).status)
        except OSError:
            return

    callers = [Thread(target=call, args=(n,), daemon=True) for n in range(50)]
    for caller in callers:
        caller.start()
    wait_until(lambda: len(answers) == 40, timeout_s=30, what="forty refusals")
    wait_until(lambda: len(provider.requests_to(CHAT)) - before == 10, timeout_s=10)
    assert set(answers) == {429}
    assert the_budget(alice)["left"] == "0"


def test_money_runs_out_with_words_that_help(
    gateway: RunningGateway, alice: Person, priced: None
) -> None:
    cost = 7 * 1_000 + 5 * 10_000  # nano-dollars of one answered call
    budget_id = alice.budget(1_500_000, Unit.USD)
    answers = []
    while not answers or answers[-1].status == 200:
        answers.append(small(gateway, alice.token))
    last = answers[-1]
    assert (last.status, last.code) == (402, "budget_exceeded")
    assert last.json["error"]["type"] == "insufficient_quota"
    message = last.json["error"]["message"]
    assert "monthly budget 'test budget'" in message
    assert f"PATCH /llm/budgets/{budget_id}" in message
    budget = the_budget(alice)
    spent = (len(answers) - 1) * cost
    assert int(float(budget["spent"]) * 10**9 + 0.5) == spent
    assert spent <= 1_500_000
    assert budget["reserved"] == "0"


def test_a_quota_of_tokens_runs_out(gateway: RunningGateway, alice: Person) -> None:
    alice.budget(200)
    answers = [small(gateway, alice.token) for _ in range(30)]
    refused = [answer for answer in answers if answer.status != 200]
    assert refused
    assert {(answer.status, answer.code) for answer in refused} == {(429, "quota_exceeded")}
    assert int(the_budget(alice)["spent"]) == (30 - len(refused)) * USED <= 200


def test_an_unpriced_model_under_a_budget_of_money_is_refused(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    alice.budget(10**9, Unit.USD)
    answer = small(gateway, alice.token)
    assert (answer.status, answer.code) == (403, "model_unpriced")
    assert "price" in answer.json["error"]["message"]
    assert not provider.requests_to(CHAT)


def test_a_soft_budget_refuses_nothing(gateway: RunningGateway, alice: Person) -> None:
    alice.budget(1, is_hard=False)
    assert statuses([small(gateway, alice.token) for _ in range(3)]) == {200: 3}
    assert the_budget(alice)["spent"] == str(3 * USED)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reply", "spent"),
    [
        (None, USED),
        (Reply(status=400, body={"error": {"message": "no"}}), 0),
        (Reply(status=500, body=b"oops"), 0),
        (Reply(body=b"no JSON"), 0),
    ],
    ids=["success", "4xx", "5xx", "nonsense"],
)
def test_every_reservation_settles(
    gateway: RunningGateway,
    alice: Person,
    provider: ProviderServer,
    stream: bool,
    reply: Reply | None,
    spent: int,
) -> None:
    alice.budget(100_000)
    if reply is not None:
        provider.script(CHAT, reply)
    small(gateway, alice.token, stream=stream)
    budget = the_budget(alice)
    assert (budget["reserved"], budget["spent"]) == ("0", str(spent))


@pytest.mark.parametrize("chunks", [1, 3])
def test_a_disconnect_settles_and_is_billed(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, chunks: int
) -> None:
    alice.budget(100_000)
    events = stream_chunks(has_usage=True)[:chunks]
    provider.script(CHAT, Reply(headers={"content-type": SSE}, chunks=events, ending="hang"))
    drop_after(gateway, alice.token, chunks, stream=True)
    wait_until(lambda: the_budget(alice)["spent"] != "0", timeout_s=10, what="its settlement")
    budget = the_budget(alice)
    assert (budget["reserved"], budget["spent"]) == ("0", str(5 + chunks))


def test_a_killed_gateways_reservations_are_free_again_within_a_minute(
    alice: Person, provider: ProviderServer
) -> None:
    from threading import Thread

    alice.budget(5_000)
    alice.limit(concurrency=1)
    provider.script(CHAT, Reply(hang=True))
    with own_process() as (gateway, process):
        Thread(target=lambda: _hanging(gateway, alice.token), daemon=True).start()
        wait_until(lambda: the_budget(alice)["reserved"] != "0", timeout_s=10)
        process.kill()
        process.wait()
    with own_process() as (other, _):
        assert small(other, alice.token).status == 429
        wait_until(
            lambda: small(other, alice.token).status == 200, timeout_s=60, what="a free place"
        )
        assert the_budget(alice)["reserved"] == "0"


def _hanging(gateway: RunningGateway, token: str) -> None:
    try:
        small(gateway, token)
    except OSError:
        return


def test_a_new_budget_counts_what_its_period_has_spent_already(
    gateway: RunningGateway, alice: Person
) -> None:
    for _ in range(3):
        assert small(gateway, alice.token).status == 200
    alice.budget(3 * USED + 50)
    assert small(gateway, alice.token).status == 429
    assert int(the_budget(alice)["spent"]) == 3 * USED


@pytest.fixture
def flushable(alice: Person) -> Iterator[None]:
    """For a test with a FLUSHALL: the gateway brings back what it remembers, and no usage of the
    tests before or of this one may come into another's ledger."""
    let_go_of_what_was_drained()
    yield
    let_go_of_what_was_drained()


@pytest.mark.usefixtures("flushable")
def test_after_flushall_what_was_spent_is_counted_once(
    gateway: RunningGateway, alice: Person
) -> None:
    alice.budget(100_000)
    for count in range(1, 6):
        assert small(gateway, alice.token).status == 200
        if count % 2:
            assert alice.ledger()  # what is in the stream is drained, every other time
        flush()
    wait_until(lambda: len(alice.ledger()) == 5, timeout_s=10, what="usage that was flushed")
    assert small(gateway, alice.token).status == 200
    assert len(alice.ledger()) == 6
    assert _spent(alice) == 6 * USED


def let_go_of_what_was_drained() -> None:
    """The gateway remembers usage until it has looked into the stream. Two looks: one may have
    begun already."""
    from llmhub.base.valkey import valkey

    def latest_look() -> int:
        marks = valkey().scan_iter(match="hub:gateway:*")
        return max((int(str(valkey().pexpiretime(mark))) for mark in marks), default=0)

    for _ in range(2):
        before = latest_look()
        wait_until(lambda before=before: latest_look() > before, what="the gateway's look")


def _spent(person: Person) -> int:
    return int(the_budget(person)["spent"])


def test_undrained_usage_is_neither_forgotten_nor_counted_twice(
    gateway: RunningGateway, alice: Person
) -> None:
    from llmhub.base.valkey import valkey

    alice.budget(100_000)
    for _ in range(4):
        small(gateway, alice.token)
    for key in valkey().scan_iter(match="hub:budget:*"):
        valkey().delete(key)
    assert small(gateway, alice.token).status == 200
    assert _spent(alice) == 5 * USED
    assert len(alice.ledger()) == 5
    assert _spent(alice) == 5 * USED


def test_calls_go_on_while_the_counter_is_made_anew(gateway: RunningGateway, alice: Person) -> None:
    """The counter vanishes again and again under a load, and is exact in the end."""
    from llmhub.base.valkey import valkey

    alice.budget(10**9)

    def call(number: int) -> int:
        if number % 5 == 0:
            for key in valkey().scan_iter(match="hub:budget:*"):
                if not key.endswith((b":o", b":p")):
                    valkey().hdel(key, "g", "s")
        return small(gateway, alice.token, stream=bool(number % 2)).status

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(120))) == {200}
    assert small(gateway, alice.token).status == 200
    assert len(alice.ledger()) == 121
    assert _spent(alice) == 121 * USED
    assert the_budget(alice)["reserved"] == "0"


@pytest.mark.usefixtures("flushable")
def test_a_budget_reads_the_same_with_and_without_its_counter(
    gateway: RunningGateway, alice: Person, priced: None
) -> None:
    alice.budget(10**9, Unit.USD, model="test-chat")
    for _ in range(3):
        assert chat(gateway, alice.token, max_tokens=5).status == 200
    with_counter = the_budget(alice)
    assert len(alice.ledger()) == 3
    flush()
    assert the_budget(alice) == with_counter
    assert with_counter["spent"] == "0.000171"
