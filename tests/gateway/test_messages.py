"""Anthropic's own client against models that speak its dialect, and against ones that do not."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from llmhub.base.model_types import ModelType
from tenants.llms.services.routes import RouteFacts, TargetFacts, route_create
from tests.committed_people import ACTOR, KEY, Person
from tests.gateway import anthropic_peer as peer
from tests.gateway.raw_http import CHAT, request
from tests.gateway.server import RunningGateway
from tests.provider_server import (
    PROMPT_TOKENS,
    SSE,
    WORDS,
    ProviderServer,
    Reply,
    chat_body,
    stream_chunks,
)

ASKED: dict[str, Any] = {"max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]}
WEATHER: Any = {
    "name": "weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture(scope="module")
def claudes(committed: None) -> Iterator[None]:
    with peer.factory_of_claudes():
        yield


@pytest.fixture
def alice_with_claude(alice: Person, claudes: None, provider: ProviderServer) -> Person:
    peer.claude_connect(alice, provider.url)
    return alice


@pytest.fixture
def sdk(gateway: RunningGateway, alice: Person) -> Iterator[anthropic.Anthropic]:
    base_url = gateway.url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=base_url, api_key=alice.token, max_retries=0) as made:
        yield made


def test_a_model_of_another_dialect_answers(
    sdk: anthropic.Anthropic, alice: Person, provider: ProviderServer
) -> None:
    message = sdk.messages.create(model="test-chat", system="Be brief.", **ASKED)
    assert message.type == "message"
    assert [block.to_dict() for block in message.content] == [
        {"type": "text", "text": "".join(WORDS)}
    ]
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (PROMPT_TOKENS, len(WORDS))
    [seen] = provider.requests_to(CHAT)
    assert seen.json == {
        "model": "test-chat",
        "max_tokens": 64,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
        ],
    }
    [event] = alice.ledger()
    assert (event.input_tokens, event.output_tokens) == (PROMPT_TOKENS, len(WORDS))
    assert not event.is_estimated
    assert message._request_id == str(event.request_id)


def test_a_stream_of_another_dialect_is_written_anew(
    sdk: anthropic.Anthropic, alice: Person
) -> None:
    with sdk.messages.stream(model="test-chat", **ASKED) as stream:
        kinds = [event.type for event in stream if event.type != "text"]
        message = stream.get_final_message()
    assert kinds == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * len(WORDS),
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (PROMPT_TOKENS, len(WORDS))
    [event] = alice.ledger()
    assert (event.output_tokens, event.is_estimated, event.is_streamed) == (5, False, True)


def test_parallel_tool_calls_come_and_go(
    sdk: anthropic.Anthropic, alice: Person, provider: ProviderServer
) -> None:
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
        {
            "id": "call_2",
            "type": "function",
            "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
        },
    ]
    body = chat_body("m")
    body["choices"][0] = {
        "message": {"content": None, "tool_calls": calls},
        "finish_reason": "tool_calls",
    }
    provider.script(CHAT, Reply(body=body))
    answer = sdk.messages.create(
        model="test-chat",
        tools=[WEATHER],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        **ASKED,
    )
    assert answer.stop_reason == "tool_use"
    assert [(block.id, block.input) for block in answer.content if block.type == "tool_use"] == [
        ("call_1", {}),
        ("call_2", {"city": "Rome"}),
    ]
    results: list[Any] = [
        {"type": "tool_result", "tool_use_id": "call_1", "content": "rain"},
        {
            "type": "tool_result",
            "tool_use_id": "call_2",
            "content": [{"type": "text", "text": "sun"}],
        },
        {"type": "text", "text": "And now?"},
    ]
    sdk.messages.create(
        model="test-chat",
        max_tokens=64,
        tools=[WEATHER],
        messages=[*ASKED["messages"], answer.to_param(), {"role": "user", "content": results}],
    )
    first, second = (seen.json for seen in provider.requests_to(CHAT))
    assert first["tool_choice"] == "required"
    assert first["parallel_tool_calls"] is False
    assert first["tools"][0]["function"]["parameters"] == WEATHER["input_schema"]
    assert [turn["role"] for turn in second["messages"]] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "user",
    ]
    assert second["messages"][1]["tool_calls"][1]["id"] == "call_2"
    assert [turn["content"] for turn in second["messages"][2:]] == ["rain", "sun", "And now?"]


def test_what_chat_completions_cannot_say_is_named(sdk: anthropic.Anthropic, alice: Person) -> None:
    raw = sdk.messages.with_raw_response.create(
        model="test-chat",
        extra_body={"top_k": 5, "cache_control": {"type": "ephemeral"}},
        **ASKED,
    )
    assert raw.headers["x-llmhub-left-out"] == "cache_control, top_k"


def test_a_tool_of_anthropics_own_is_refused_and_nothing_is_sent(
    sdk: anthropic.Anthropic, alice: Person, provider: ProviderServer
) -> None:
    search: Any = {"type": "web_search_20250305", "name": "web_search"}
    with pytest.raises(anthropic.BadRequestError, match="web_search_20250305") as refused:
        sdk.messages.create(model="test-chat", tools=[search], **ASKED)
    assert refused.value.body["error"]["details"]["error_code"] == "not_supported"  # type: ignore[index]
    assert not provider.requests_to(CHAT)
    [event] = alice.ledger()
    assert (event.error_kind, event.result_code, event.input_tokens) == (
        "refused",
        "not_supported",
        0,
    )


def test_a_route_goes_on_to_the_model_that_has_words_for_it(
    sdk: anthropic.Anthropic, alice_with_claude: Person, provider: ProviderServer
) -> None:
    targets = (
        TargetFacts("test-chat", priority=0),
        TargetFacts(f"{peer.MODEL}@{peer.FACTORY}", priority=1),
    )
    facts = RouteFacts("either", ModelType.CHAT, targets)
    route_create(tenant=alice_with_claude.tenant, facts=facts, actor=ACTOR)
    provider.script(peer.PATH, Reply(body=peer.message()))
    search: Any = {"type": "web_search_20250305", "name": "web_search"}
    message = sdk.messages.create(model="either", tools=[search], **ASKED)
    assert message.model == peer.MODEL
    assert not provider.requests_to(CHAT)
    [event] = alice_with_claude.ledger()
    assert (event.llm_name, event.input_tokens, event.error_kind) == (peer.MODEL, 3210, "")


def test_a_stream_without_usage_is_counted(
    sdk: anthropic.Anthropic, alice: Person, provider: ProviderServer
) -> None:
    chunks = stream_chunks(has_usage=False)
    provider.script(CHAT, Reply(headers={"content-type": SSE}, chunks=chunks))
    with sdk.messages.stream(model="test-chat", system="Be brief.", **ASKED) as stream:
        assert stream.get_final_message().stop_reason == "end_turn"
    [event] = alice.ledger()
    assert event.is_estimated
    assert (event.input_tokens, event.output_tokens) == (8, 5)


def test_its_own_dialect_passes_untouched(
    sdk: anthropic.Anthropic, alice_with_claude: Person, provider: ProviderServer
) -> None:
    told = peer.message(peer.THINKING, peer.TEXT, {"type": "novelty", "x": 1})
    provider.script(peer.PATH, Reply(body=told))
    raw = sdk.messages.with_raw_response.create(
        model=peer.MODEL,
        extra_headers={"anthropic-beta": "a-2026-01-01,b-2026-02-02"},
        extra_body={"novel_field": {"a": 1}},
        **ASKED,
    )
    assert raw.http_response.json() == told
    [seen] = provider.requests_to(peer.PATH)
    assert seen.json == {"model": peer.MODEL, "novel_field": {"a": 1}, **ASKED}
    assert seen.headers["x-api-key"] == KEY
    assert "authorization" not in seen.headers
    assert seen.headers["anthropic-version"] == "2026-10-21"
    assert seen.headers["anthropic-beta"] == "a-2026-01-01,b-2026-02-02"
    [event] = alice_with_claude.ledger()
    assert (event.input_tokens, event.cached_tokens) == (3210, 3000)
    assert (event.output_tokens, event.reasoning_tokens, event.is_estimated) == (12, 4, False)


def test_a_stream_of_its_own_dialect_passes_untouched(
    sdk: anthropic.Anthropic, alice_with_claude: Person, provider: ProviderServer
) -> None:
    events = peer.stream(peer.THINKING, peer.TEXT, peer.CALL, reason="tool_use")
    provider.script(peer.PATH, peer.stream_reply(events))
    with sdk.messages.stream(model=peer.MODEL, **ASKED) as stream:
        message = stream.get_final_message()
    assert [block.to_dict() for block in message.content] == [
        peer.THINKING,
        peer.TEXT,
        peer.CALL,
    ]
    [event] = alice_with_claude.ledger()
    assert (event.input_tokens, event.cached_tokens, event.output_tokens) == (3210, 3000, 12)
    assert event.cache_write_tokens == 200
    assert not event.is_estimated


ERRORS = [
    (529, "overloaded_error", "Overloaded", anthropic.OverloadedError, "overloaded_error"),
    (429, "rate_limit_error", "Too many", anthropic.RateLimitError, "rate_limit_error"),
    (404, "not_found_error", "model: nope", anthropic.NotFoundError, "not_found_error"),
    (
        400,
        "invalid_request_error",
        "Your credit balance is too low",
        anthropic.APIStatusError,
        "billing_error",
    ),
    (
        400,
        "invalid_request_error",
        "messages: wrong",
        anthropic.BadRequestError,
        "invalid_request_error",
    ),
    (401, "authentication_error", "invalid x-api-key", anthropic.InternalServerError, "api_error"),
]


@pytest.mark.parametrize(("status", "given", "words", "error", "type_"), ERRORS)
def test_errors_have_the_shape_and_status_that_its_client_knows(
    sdk: anthropic.Anthropic,
    alice_with_claude: Person,
    provider: ProviderServer,
    status: int,
    given: str,
    words: str,
    error: type[anthropic.APIStatusError],
    type_: str,
) -> None:
    told = {"type": "error", "error": {"type": given, "message": words}}
    provider.script(peer.PATH, Reply(status=status, body=told, headers={"retry-after": "7"}))
    with pytest.raises(error) as failed:
        sdk.messages.create(model=peer.MODEL, **ASKED)
    body: Any = failed.value.body
    assert body["type"] == "error"
    assert body["error"]["type"] == type_
    assert words in body["error"]["message"]
    assert (
        body["request_id"]
        == failed.value.request_id
        == failed.value.response.headers["x-request-id"]
    )


def test_a_strangers_token_and_an_unknown_path(
    gateway: RunningGateway, sdk: anthropic.Anthropic, alice: Person
) -> None:
    with pytest.raises(anthropic.AuthenticationError) as refused:
        sdk.with_options(api_key="hub_nobody").messages.create(model="test-chat", **ASKED)
    assert refused.value.body["error"]["type"] == "authentication_error"  # type: ignore[index]
    with pytest.raises(anthropic.NotFoundError) as lost:
        sdk.messages.batches.list()
    assert lost.value.body["error"]["type"] == "not_found_error"  # type: ignore[index]


def test_a_token_comes_in_the_header_of_older_clients_too(
    sdk: anthropic.Anthropic, alice: Person
) -> None:
    for bearer in (anthropic.omit, "Bearer sk-somebody-elses"):
        message = sdk.messages.create(
            model="test-chat",
            extra_headers={"x-api-key": alice.token, "authorization": bearer},  # type: ignore[dict-item]
            **ASKED,
        )
        assert message.stop_reason == "end_turn"


def test_a_prompt_is_counted_by_its_provider_or_here(
    sdk: anthropic.Anthropic, alice_with_claude: Person, provider: ProviderServer
) -> None:
    provider.script("/v1/messages/count_tokens", Reply(body={"input_tokens": 2095}))
    messages = ASKED["messages"]
    raw = sdk.messages.with_raw_response.count_tokens(model=peer.MODEL, messages=messages)
    assert raw.parse().input_tokens == 2095
    assert "x-llmhub-estimated" not in raw.headers
    raw = sdk.messages.with_raw_response.count_tokens(
        model="test-chat", messages=messages, system="Hello"
    )
    assert raw.parse().input_tokens == 6
    assert raw.headers["x-llmhub-estimated"] == "true"
    assert not alice_with_claude.ledger()


def test_an_error_inside_a_stream_reaches_its_client(
    sdk: anthropic.Anthropic, alice_with_claude: Person, provider: ProviderServer
) -> None:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    events = [*peer.stream()[:4], peer.event("error", error=error)]
    provider.script(peer.PATH, peer.stream_reply(events))
    with (
        pytest.raises(anthropic.APIStatusError, match="overloaded_error"),
        sdk.messages.stream(model=peer.MODEL, **ASKED) as stream,
    ):
        stream.get_final_message()
    [event] = alice_with_claude.ledger()
    assert event.error_kind == "overloaded"
    assert event.input_tokens == 3210


DEEP = '{"a":' * 400 + "1" + "}" * 400
DOCUMENT = '{"type":"document","source":{"type":"content","content":[' * 300 + "]}}" * 300


@pytest.mark.parametrize("path", ["messages", "chat/completions", "responses", "completions"])
def test_a_body_that_is_nested_too_deeply_is_the_callers_mistake(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, path: str
) -> None:
    body = f'{{"model":"test-chat","prompt":"x","input":"x","messages":[],"metadata":{DEEP}}}'
    whole = body.replace("[]", f'[{{"role":"user","content":[{DOCUMENT}]}}]')
    for sent in (body.replace("[]", '[{"role":"user","content":"x"}]'), whole):
        answer = request(gateway, "POST", f"/v1/{path}", token=alice.token, raw=sent.encode())
        assert answer.status in (200, 400), answer.body
    assert answer.headers["x-request-id"]
