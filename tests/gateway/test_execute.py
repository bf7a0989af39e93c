"""What providers say no to, and who is asked next."""

import pytest

from llmhub.base.valkey import valkey
from tenants.llms.recheck import RECHECK_KEY, recheck_member
from tests.committed_people import CHAT_MODEL, KEY, Person
from tests.gateway.raw_http import CHAT, chat, request
from tests.gateway.server import RunningGateway
from tests.provider_server import ProviderServer, Reply, running_provider


def error(status: int, message: str, code: str = "", **headers: str) -> Reply:
    return Reply(status=status, body={"error": {"message": message, "code": code}}, headers=headers)


FAILURES = {
    "bad_request": (error(400, "temperature is out of range"), 400, "provider_bad_request"),
    "content": (error(400, "no", "content_filter"), 400, "content_policy_violation"),
    "no_model": (error(404, "no", "model_not_found"), 404, "model_not_found"),
    "rate": (error(429, "slow down", **{"retry-after": "7"}), 429, "rate_limit_exceeded"),
    "quota": (error(429, "no", "insufficient_quota"), 429, "insufficient_quota"),
    "key": (error(401, "Incorrect API key"), 502, "provider_invalid_key"),
    "overloaded": (error(503, "busy"), 503, "provider_overloaded"),
    "page": (Reply(status=200, body=b"<html><title>Hi</title>"), 502, "provider_bad_reply"),
    "cut": (Reply(chunks=[b'{"choices": ['], ending="cut"), 502, "provider_unreachable"),
    "redirect": (Reply(status=302, headers={"location": "/"}), 502, "provider_bad_reply"),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_failure_has_its_status_and_code(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, name: str, stream: bool
) -> None:
    reply, status, code = FAILURES[name]
    provider.script(CHAT, reply)
    answer = chat(gateway, alice.token, stream=stream)
    assert (answer.status, answer.code) == (status, code)
    assert "test-chat@default@Scripted" in answer.json["error"]["message"]
    assert answer.headers.get("retry-after") == ("7" if name == "rate" else None)
    [event] = alice.ledger()
    assert event.error_kind
    assert event.http_status == reply.status
    assert (event.input_tokens, event.output_tokens) == (0, 0)


def test_a_provider_that_repeats_the_key_does_not_give_it_away(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    provider.api_key = "another"
    answer = chat(gateway, alice.token)
    assert answer.code == "provider_invalid_key"
    assert KEY.encode() not in answer.body
    assert "***" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("name", "asked"), [("key", True), ("quota", True), ("bad_request", False), ("rate", False)]
)
def test_a_failure_of_the_key_asks_for_a_check_of_the_connection(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, name: str, asked: bool
) -> None:
    provider.script(CHAT, FAILURES[name][0])
    chat(gateway, alice.token)
    [event] = alice.ledger()
    member = recheck_member(alice.tenant.pk, event.connection_id)
    assert bool(valkey().sismember(RECHECK_KEY, member)) is asked


def test_an_unreachable_provider_is_said_so(gateway: RunningGateway, alice: Person) -> None:
    alice.connect("http://127.0.0.1:1/v1", name="dead", models=[CHAT_MODEL])
    answer = chat(gateway, alice.token, "test-chat@dead@Scripted")
    assert (answer.status, answer.code) == (502, "provider_unreachable")


def test_a_forbidden_address_is_not_connected_to(gateway: RunningGateway, alice: Person) -> None:
    alice.connect("http://169.254.169.254/v1", name="rebound", models=[CHAT_MODEL])
    answer = chat(gateway, alice.token, "test-chat@rebound@Scripted")
    assert (answer.status, answer.code) == (502, "provider_unreachable")
    assert "does not connect" in answer.json["error"]["message"]


HELPED_ELSEWHERE = ("no_model", "rate", "quota", "key", "overloaded", "page", "cut")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", HELPED_ELSEWHERE)
def test_the_next_connection_answers_where_that_helps(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, name: str, stream: bool
) -> None:
    with running_provider(api_key="sk-the-second-key") as second:
        alice.connect(second.url, name="second", key="sk-the-second-key", models=[CHAT_MODEL])
        provider.script(CHAT, FAILURES[name][0])
        answer = chat(gateway, alice.token, stream=stream)
        assert answer.status == 200
        assert answer.headers["x-llmhub-model"] == "test-chat@second@Scripted"
        assert len(second.seen) == 1
    failed, answered = alice.ledger()
    assert (failed.connection_name, failed.input_tokens) == ("default", 0)
    assert (answered.connection_name, answered.error_kind) == ("second", "")
    assert failed.request_id == answered.request_id
    assert str(failed.request_id) == answer.headers["x-request-id"]


@pytest.mark.parametrize("name", ["bad_request", "content"])
def test_the_callers_own_fault_is_not_tried_elsewhere(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, name: str
) -> None:
    with running_provider() as second:
        alice.connect(second.url, name="second", models=[CHAT_MODEL])
        provider.script(CHAT, FAILURES[name][0])
        assert chat(gateway, alice.token).status == 400
        assert not second.seen


def test_another_tenants_models_do_not_exist(
    gateway: RunningGateway, alice: Person, charlie: Person
) -> None:
    alice.connect("http://127.0.0.1:1/v1", name="alices", models=[CHAT_MODEL])
    answer = chat(gateway, charlie.token, "test-chat@alices@Scripted")
    assert (answer.status, answer.code) == (404, "model_not_found")
    shown = request(gateway, "GET", "/v1/models/test-chat@alices@Scripted", token=charlie.token)
    assert shown.status == 404
