"""Requests and tokens a minute, and calls at once: exact, whichever replica is asked."""

from collections.abc import Iterator

import pytest

from tests.committed_people import CHAT_MODEL, EMBEDDING_MODEL, FACTORY, Person
from tests.gateway.limits import ASKED, USED, at_once, small, statuses, the_limit, two_processes
from tests.gateway.raw_http import CHAT, chat, request
from tests.gateway.server import RunningGateway, running_gateway
from tests.provider_server import ProviderServer, Reply
from tests.waiting import wait_until


@pytest.fixture
def processes(alice: Person) -> Iterator[tuple[RunningGateway, RunningGateway]]:
    """Two gateways, each a process of its own."""
    with two_processes() as both:
        yield both


def test_twenty_a_minute_are_twenty_with_two_processes(
    processes: tuple[RunningGateway, RunningGateway], alice: Person, provider: ProviderServer
) -> None:
    alice.limit(requests_per_minute=20)
    answers = at_once(lambda n: small(processes[n % 2], alice.token), 50)
    assert statuses(answers) == {200: 20, 429: 30}
    assert len(provider.requests_to(CHAT)) == 20


def test_a_refusal_says_when_to_come_again_and_who_can_help(
    gateway: RunningGateway, alice: Person
) -> None:
    limit_id = alice.limit(requests_per_minute=2)
    for left in ("1", "0"):
        headers = small(gateway, alice.token).headers
        assert headers["x-ratelimit-limit-requests"] == "2"
        assert headers["x-ratelimit-remaining-requests"] == left
        assert headers["x-ratelimit-reset-requests"] == "1m1s"
    answer = small(gateway, alice.token)
    assert (answer.status, answer.code) == (429, "rate_limit_exceeded")
    assert answer.json["error"]["type"] == "rate_limit_error"
    assert f"PATCH /llm/limits/{limit_id}" in answer.json["error"]["message"]
    assert 1 <= int(answer.headers["retry-after"]) <= 61
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    assert the_limit(alice)["used"] == {"requests": 2, "tokens": None, "running": None}


def test_tokens_are_reserved_and_then_counted_as_used(
    gateway: RunningGateway, alice: Person
) -> None:
    alice.limit(tokens_per_minute=400)
    first = small(gateway, alice.token)
    assert first.status == 200
    assert first.headers["x-ratelimit-limit-tokens"] == "400"
    reserved = 400 - int(first.headers["x-ratelimit-remaining-tokens"])
    assert reserved >= ASKED + 1
    assert the_limit(alice)["used"]["tokens"] == USED
    fitting = (400 - reserved) // USED
    answers = [small(gateway, alice.token) for _ in range(fitting + 1)]
    assert statuses(answers) == {200: fitting, 429: 1} or statuses(answers) == {200: fitting + 1}
    assert the_limit(alice)["used"]["tokens"] <= 400


def test_a_call_that_can_never_fit_is_told_so(gateway: RunningGateway, alice: Person) -> None:
    alice.limit(tokens_per_minute=400)
    answer = small(gateway, alice.token, max_tokens=401)
    assert (answer.status, answer.code) == (429, "request_exceeds_limit")
    assert "max_tokens" in answer.json["error"]["message"]
    assert "retry-after" not in answer.headers


def test_a_call_that_names_no_output_limit_is_not_impossible(
    gateway: RunningGateway, alice: Person
) -> None:
    alice.limit(tokens_per_minute=400)
    assert chat(gateway, alice.token).status == 200


def test_so_many_calls_run_at_once(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    alice.limit(concurrency=3)
    provider.script(CHAT, *[Reply(chunks=[b" "] * 10, pause_s=0.1, body=b"")] * 20)
    answers = at_once(lambda _: small(gateway, alice.token), 12)
    refused = [answer for answer in answers if answer.status == 429]
    assert {answer.code for answer in refused} == {"concurrency_limit_exceeded"}
    assert len(provider.requests_to(CHAT)) == 12 - len(refused)
    assert len(refused) >= 9
    assert the_limit(alice)["used"]["running"] == 0


@pytest.mark.parametrize(
    "reply", [Reply(status=400, body={"error": {"message": "no"}}), Reply(status=503), Reply()]
)
def test_a_failed_call_gives_its_place_back(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, reply: Reply
) -> None:
    alice.limit(concurrency=1, tokens_per_minute=400)
    provider.script(CHAT, reply)
    assert small(gateway, alice.token).status >= 400
    assert the_limit(alice)["used"] == {"requests": None, "tokens": 0, "running": 0}
    assert small(gateway, alice.token).status == 200


def test_a_limit_of_a_token_is_not_the_others(gateway: RunningGateway, alice: Person) -> None:
    other_id, other = alice.issue()
    alice.limit(token_id=other_id, requests_per_minute=1)
    assert [small(gateway, other).status for _ in range(2)] == [200, 429]
    assert small(gateway, alice.token).status == 200
    assert "of this token" in small(gateway, other).json["error"]["message"]


def test_a_limit_of_a_model_is_not_the_others(gateway: RunningGateway, alice: Person) -> None:
    alice.limit(model="test-chat", requests_per_minute=1)
    assert [small(gateway, alice.token).status for _ in range(2)] == [200, 429]
    body = {"model": "test-embedding", "input": "Hello"}
    answer = request(gateway, "POST", "/v1/embeddings", token=alice.token, body=body)
    assert answer.status == 200
    assert "x-ratelimit-limit-requests" not in answer.headers


def test_a_full_model_leaves_the_call_to_the_next(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    alice.connect(provider.url, name="spare", models=(CHAT_MODEL, EMBEDDING_MODEL))
    alice.limit(model=f"test-chat@default@{FACTORY}", requests_per_minute=1)
    answers = [small(gateway, alice.token) for _ in range(3)]
    assert statuses(answers) == {200: 3}
    used = [answer.headers["x-llmhub-model"] for answer in answers]
    assert used[0] == f"test-chat@default@{FACTORY}"
    assert used[1:] == [f"test-chat@spare@{FACTORY}"] * 2


def test_the_model_that_was_not_needed_gets_its_request_back(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    alice.connect(provider.url, name="spare", models=(CHAT_MODEL, EMBEDDING_MODEL))
    alice.limit(model=f"test-chat@spare@{FACTORY}", requests_per_minute=1)
    assert statuses([small(gateway, alice.token) for _ in range(3)]) == {200: 3}
    assert the_limit(alice)["used"]["requests"] == 0
    provider.script(CHAT, Reply(status=503))
    assert small(gateway, alice.token).status == 200
    assert the_limit(alice)["used"]["requests"] == 1


def test_a_changed_limit_holds_on_the_very_next_call(
    gateway: RunningGateway, alice: Person
) -> None:
    from tenants.limits.services.limits import LimitFacts, limit_delete, limit_update
    from tests.committed_people import ACTOR

    limit_id = alice.limit(requests_per_minute=1)
    assert [small(gateway, alice.token).status for _ in range(2)] == [200, 429]
    facts = LimitFacts(requests_per_minute=2)
    limit_update(tenant=alice.tenant, limit_id=limit_id, facts=facts, actor=ACTOR)
    assert [small(gateway, alice.token).status for _ in range(2)] == [200, 429]
    limit_delete(tenant=alice.tenant, limit_id=limit_id, actor=ACTOR)
    assert small(gateway, alice.token).status == 200


def test_another_tenant_is_not_touched(
    gateway: RunningGateway, alice: Person, charlie: Person
) -> None:
    alice.limit(requests_per_minute=1)
    assert [small(gateway, alice.token).status for _ in range(3)] == [200, 429, 429]
    assert statuses(at_once(lambda _: small(gateway, charlie.token), 10)) == {200: 10}


def test_without_valkey_each_process_counts_for_itself(
    alice: Person, provider: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from django.conf import settings

    alice.limit(requests_per_minute=5, concurrency=50, tokens_per_minute=100_000)
    nowhere = replace(settings.HUB, redis_url="redis://127.0.0.1:1/0")
    monkeypatch.setattr(settings, "HUB", nowhere)
    with running_gateway() as gateway:
        answers = at_once(lambda _: small(gateway, alice.token), 20)
        assert statuses(answers) == {200: 5, 429: 15}
    wait_until(lambda: len(alice.ledger()) == 5, timeout_s=10)


def test_the_plan_holds_and_a_tenant_cannot_raise_it(
    gateway: RunningGateway, alice: Person
) -> None:
    from tenants.services.plans import PlanFacts, plan_create, plan_delete, plan_update
    from tenants.services.tenants import tenant_update
    from tests.committed_people import ACTOR

    plan = plan_create(facts=PlanFacts("Tests", requests_per_minute=1), actor=ACTOR)
    tenant_update(tenant=alice.tenant, actor=ACTOR, plan=plan)
    try:
        assert [small(gateway, alice.token).status for _ in range(2)] == [200, 429]
        answer = small(gateway, alice.token)
        assert "the operator of the hub" in answer.json["error"]["message"]
        facts = PlanFacts("Tests", requests_per_minute=2, budget_tokens=USED + 10)
        plan_update(plan_id=plan.pk, facts=facts, actor=ACTOR)
        refused = small(gateway, alice.token)
        assert (refused.status, refused.code) == (429, "quota_exceeded")
    finally:
        tenant_update(tenant=alice.tenant, actor=ACTOR, plan=None)
        plan_delete(plan_id=plan.pk, actor=ACTOR)
    assert small(gateway, alice.token).status == 200
