"""What the ledger says a call has cost, and what it says of calls that did not go well."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from providers.models import LLM, LLMFactory, Price, PriceSource
from tests.committed_people import FACTORY, Person
from tests.gateway.raw_http import CHAT, chat, request
from tests.gateway.server import RunningGateway
from tests.gateway.test_settle import the_event
from tests.provider_server import ProviderServer, Reply, running_provider

FIGURES = {
    "input_usd_per_mtok": "2.5",
    "output_usd_per_mtok": "10",
    "cached_input_usd_per_mtok": "1.25",
    "input_audio_usd_per_mtok": "40",
    "output_audio_usd_per_mtok": "80",
}
USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 100},
    "completion_tokens_details": {"reasoning_tokens": 50, "audio_tokens": 20},
}
# 500 fresh at 2.5, 400 cached at 1.25, 100 audio at 40; 180 out at 10, 20 audio at 80: 9,150
# millionths of a dollar. Reasoning is inside the output and costs nothing more.
BILL = Decimal("0.009150000")

PriceOf = Callable[..., Price]


def answered(**changes: Any) -> Reply:
    message = {"role": "assistant", "content": "Hello"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "same-id", "object": "chat.completion", "model": "m", "choices": [choice]}
    return Reply(body={**body, "usage": USAGE, **changes})


@pytest.fixture
def priced(alice: Person, provider: ProviderServer) -> Iterator[PriceOf]:
    """Gives `test-chat` a price, and has the gateway know it."""
    factory = LLMFactory.objects.get(name=FACTORY)
    llm = LLM.objects.create(factory=factory, llm_name="test-chat", model_types=["chat"])

    def price(figures: dict[str, str] = FIGURES, **facts: Any) -> Price:
        given = {name: Decimal(text) for name, text in figures.items()}
        row = Price.objects.create(llm=llm, **{"source": PriceSource.SHIPPED, **given, **facts})
        alice.connect(provider.url)
        return row

    yield price
    llm.delete()


def test_each_kind_of_token_is_charged_once(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, priced: PriceOf
) -> None:
    priced()
    provider.script(CHAT, answered())
    assert chat(gateway, alice.token).status == 200
    [event] = alice.ledger()
    assert (event.cost_usd, event.price_source) == (BILL, "shipped")
    assert (event.input_tokens, event.output_tokens) == (1000, 200)
    assert (event.cached_tokens, event.reasoning_tokens) == (400, 50)
    assert (event.input_audio_tokens, event.output_audio_tokens) == (100, 20)


def test_a_call_without_a_price_is_unpriced_and_not_free(
    gateway: RunningGateway, alice: Person
) -> None:
    chat(gateway, alice.token)
    [event] = alice.ledger()
    assert (event.cost_usd, event.price_source) == (None, "")


def test_a_free_model_costs_nothing_and_is_priced(
    gateway: RunningGateway, alice: Person, priced: PriceOf
) -> None:
    priced({"input_usd_per_mtok": "0", "output_usd_per_mtok": "0"})
    chat(gateway, alice.token)
    [event] = alice.ledger()
    assert (event.cost_usd, event.price_source) == (0, "shipped")


def test_the_price_is_that_of_the_moment_and_no_later_one(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, priced: PriceOf
) -> None:
    """A price that ends, and another that begins, change nothing that was billed: promise 8."""
    now = datetime.now(UTC)
    old = priced(valid_from=now - timedelta(days=9), valid_until=now + timedelta(hours=1))
    priced({"input_usd_per_mtok": "99"}, valid_from=now + timedelta(hours=1))
    provider.script(CHAT, answered(), answered())
    chat(gateway, alice.token)
    old.valid_until = now - timedelta(days=1)
    old.save()
    priced({"output_usd_per_mtok": "1", "input_usd_per_mtok": "1"}, source=PriceSource.HAND)
    chat(gateway, alice.token)
    assert [event.cost_usd for event in alice.ledger()] == [BILL, Decimal("0.001200000")]


def test_a_failed_attempt_costs_nothing_and_the_next_one_has_the_result(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, priced: PriceOf
) -> None:
    priced()
    with running_provider(api_key=None) as second:
        alice.connect(second.url, name="second")
        provider.script(CHAT, Reply(status=503, body={"error": {"message": "busy"}}))
        second.script(CHAT, answered())
        answer = chat(gateway, alice.token)
    first, last = alice.ledger()
    assert (first.attempt, first.is_result, first.result_status) == (1, False, None)
    assert (first.cost_usd, first.http_status, first.error_kind) == (0, 503, "overloaded")
    assert (last.attempt, last.is_result, last.result_status) == (2, True, 200)
    assert (last.cost_usd, last.connection_name) == (BILL, "second")
    assert {str(first.request_id), str(last.request_id)} == {answer.headers["x-request-id"]}
    assert last.id.int == first.id.int + 1 == first.request_id.int + 2


def test_the_result_is_what_the_caller_was_answered(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    provider.script(CHAT, Reply(status=401, body={"error": {"message": "no"}}))
    answer = chat(gateway, alice.token)
    [event] = alice.ledger()
    assert (event.result_status, event.result_code) == (answer.status, answer.code)
    assert (answer.status, event.http_status) == (502, 401)


def test_what_was_asked_for_is_written_down(gateway: RunningGateway, alice: Person) -> None:
    chat(gateway, alice.token, "Scripted/test-chat", stream=True)
    [event] = alice.ledger()
    assert (event.model_asked, event.llm_name) == ("Scripted/test-chat", "test-chat")
    assert (event.endpoint, event.route, event.is_streamed) == (CHAT, "", True)
    assert 0 <= event.first_byte_ms <= event.latency_ms


IMPOSSIBLE = [
    {"prompt_tokens": -1, "completion_tokens": 1},
    {"prompt_tokens": 10**30, "completion_tokens": 1},
    {"prompt_tokens": 1.5, "completion_tokens": 1},
    {"prompt_tokens": "7", "completion_tokens": 1},
    {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 6}},
]


@pytest.mark.parametrize("usage", IMPOSSIBLE, ids=str)
def test_impossible_usage_is_counted_anew_and_flagged(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, usage: dict[str, Any]
) -> None:
    provider.script(CHAT, answered(usage=usage))
    assert chat(gateway, alice.token).status == 200
    [event] = alice.ledger()
    assert (event.is_usage_refused, event.is_estimated) == (True, True)
    assert (event.input_tokens, event.output_tokens) == (5, 1)


def test_missing_usage_is_estimated_and_no_lie(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    provider.script(CHAT, answered(usage=None))
    chat(gateway, alice.token)
    [event] = alice.ledger()
    assert (event.is_usage_refused, event.is_estimated) == (False, True)


def test_an_upstream_that_repeats_its_ids_is_billed_for_every_call(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    provider.script(CHAT, answered(), answered(), answered())
    for _ in range(3):
        chat(gateway, alice.token)
    assert [event.input_tokens for event in alice.ledger()] == [1000] * 3


def test_a_call_for_no_model_leaves_a_row_of_what_was_said(
    gateway: RunningGateway, alice: Person
) -> None:
    answer = chat(gateway, alice.token, "nobody's-model")
    [event] = alice.ledger()
    assert answer.status == 404
    assert (event.attempt, event.is_result, event.error_kind) == (0, True, "refused")
    assert (event.result_status, event.result_code) == (404, "model_not_found")
    assert (event.model_asked, event.llm_name, event.cost_usd) == ("nobody's-model", "", 0)
    assert str(event.request_id) == answer.headers["x-request-id"]


def test_strangers_leave_no_row(gateway: RunningGateway, alice: Person) -> None:
    assert chat(gateway, "hub_nobody").status == 401
    assert request(gateway, "POST", CHAT, body={"model": "test-chat"}).status == 401
    assert alice.ledger() == []


def test_a_caller_who_went_away_is_noted_as_such(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, priced: PriceOf
) -> None:
    from tests.gateway.test_settle import CHUNKS, drop_after
    from tests.provider_server import SSE

    priced()
    chunks = CHUNKS[:3]
    provider.script(CHAT, Reply(headers={"content-type": SSE}, chunks=chunks, ending="hang"))
    drop_after(gateway, alice.token, 3, stream=True)
    event = the_event(alice)
    assert (event.result_status, event.result_code) == (499, "caller_gone")
    assert event.cost_usd == Decimal("0.000042500")  # 5 in at 2.5, 3 out at 10, in millionths
