"""OpenAI's own client: responses and legacy completions, of models that have them or do not."""

from collections.abc import Iterator
from typing import Any

import openai
import orjson
import pytest

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.models import LLMFactory
from providers.selectors import factory_get
from tenants.llms.services.connections import ConnectionFacts, ModelFacts, connection_save
from tenants.models import ConnectionState
from tests.committed_people import ACTOR, KEY, Person
from tests.gateway import anthropic_peer as peer
from tests.gateway.raw_http import CHAT
from tests.provider_server import (
    PROMPT_TOKENS,
    SSE,
    WORDS,
    ProviderServer,
    Reply,
    chat_body,
    stream_chunks,
)

RESPONSES = "/v1/responses"
COMPLETIONS = "/v1/completions"
TEXT = "".join(WORDS)
TOOL: Any = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    "strict": True,
}


def usage(cached: int = 0, written: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": 50,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 59,
    }


@pytest.fixture
def native(alice: Person, provider: ProviderServer) -> Iterator[Person]:
    """Alice with a factory whose own address speaks the dialect."""
    endpoint = {"protocol": "openai", "base_url": provider.url, "dialects": ["responses"]}
    fields = [{"name": "api_key", "label": "Key", "is_secret": True, "is_required": False}]
    factory = LLMFactory.objects.create(
        name="Native", endpoints={"chat": endpoint}, credential_fields=fields
    )
    facts = ConnectionFacts(
        factory=factory_get(name="Native"),
        name="default",
        base_url="",
        credentials={"api_key": Secret(KEY)},
        state=ConnectionState.VALID,
    )
    models = [ModelFacts("gpt-native", ModelType.CHAT)]
    connection_save(tenant=alice.tenant, facts=facts, models=models, actor=ACTOR)
    yield alice
    factory.delete()


def response_body() -> dict[str, Any]:
    part = {"type": "output_text", "text": "Hi", "annotations": [{"x": 1}]}
    item = {"id": "m1", "type": "message", "role": "assistant", "status": "completed"}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "gpt-native",
        "output": [{**item, "content": [part]}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage(20, 10),
    }


def response_events() -> list[bytes]:
    begun = {**response_body(), "status": "in_progress", "output": [], "usage": None}
    place = {"item_id": "m1", "output_index": 0, "content_index": 0}
    return [
        peer.event("response.created", sequence_number=0, response=begun),
        peer.event(
            "response.output_text.delta", sequence_number=1, delta="Hi", logprobs=[], **place
        ),
        peer.event("response.novelty", sequence_number=2),
        peer.event("response.completed", sequence_number=3, response=response_body()),
    ]


def test_a_model_without_the_dialect_answers(
    client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    response = client.responses.create(
        model="test-chat",
        instructions="Be brief.",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "rain"},
        ],
        tools=[TOOL],
        max_output_tokens=32,
        store=True,
        text={"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
        reasoning={"effort": "low"},
    )
    assert response.output_text == TEXT
    assert response.status == "completed"
    assert response.store is False  # type: ignore[attr-defined]
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (PROMPT_TOKENS, 5)
    [seen] = provider.requests_to(CHAT)
    asked = seen.json
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    assert asked["max_tokens"] == 32
    assert asked["reasoning_effort"] == "low"
    assert asked["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert asked["tools"][0]["function"]["strict"] is True
    assert "store" not in asked


def test_what_is_left_out_is_named_and_what_is_kept_elsewhere_refused(
    client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    raw = client.responses.with_raw_response.create(model="test-chat", input="Hello", store=True)
    assert raw.headers["x-llmhub-left-out"] == "store"
    search: Any = {"type": "web_search"}
    refusals: list[dict[str, Any]] = [
        {"previous_response_id": "resp_1"},
        {"tools": [search]},
        {"background": True},
        {"input": [{"type": "item_reference", "id": "i1"}]},
    ]
    for more in refusals:
        asked: dict[str, Any] = {"model": "test-chat", "input": "Hello", **more}
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(**asked)
        assert refused.value.code == "not_supported"
        assert refused.value.param
    assert len(provider.requests_to(CHAT)) == 1
    assert [event.result_code for event in alice.ledger()] == ["", *["not_supported"] * 4]


def test_its_stream_has_every_event_in_its_place(client: openai.OpenAI, alice: Person) -> None:
    with client.responses.create(model="test-chat", input="Hello", stream=True) as stream:
        events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * len(WORDS),
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    final = events[-1].response  # type: ignore[union-attr]
    assert final.output_text == TEXT
    assert final.usage is not None
    assert final.usage.output_tokens == len(WORDS)
    [event] = alice.ledger()
    assert (event.output_tokens, event.is_estimated) == (5, False)


def test_a_tools_call_is_streamed_after_the_words(
    client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    function = {"name": "weather", "arguments": ""}
    deltas: list[dict[str, Any]] = [
        {"reasoning_content": "Hm"},
        {"content": "Let me look."},
        {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
    ]
    chunks = [peer_chunk(delta) for delta in deltas] + [peer_chunk({}, "tool_calls")]
    provider.script(CHAT, Reply(headers={"content-type": SSE}, chunks=chunks))
    with client.responses.stream(model="test-chat", input="Hello") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    assert final.output[2].arguments == '{"a":1}'  # type: ignore[union-attr]
    assert kinds.index("response.output_item.done") < kinds.index("response.output_text.delta")
    assert kinds.count("response.function_call_arguments.delta") == 2


def peer_chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    chunk = {"id": "chatcmpl-1", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def test_a_provider_that_has_responses_is_passed_through(
    client: openai.OpenAI, native: Person, provider: ProviderServer
) -> None:
    provider.script(RESPONSES, Reply(body=response_body()))
    raw = client.responses.with_raw_response.create(
        model="gpt-native", input="Hello", previous_response_id="resp_0", store=True
    )
    assert raw.http_response.json() == response_body()
    [seen] = provider.requests_to(RESPONSES)
    assert seen.json == {
        "model": "gpt-native",
        "input": "Hello",
        "previous_response_id": "resp_0",
        "store": True,
    }
    provider.script(RESPONSES, Reply(headers={"content-type": SSE}, chunks=response_events()))
    with client.responses.create(model="gpt-native", input="Hello", stream=True) as stream:
        kinds = [event.type for event in stream]
    assert kinds[2:] == ["response.novelty", "response.completed"]
    for event in native.ledger():
        assert (event.input_tokens, event.cached_tokens) == (50, 20)
        assert (event.output_tokens, event.reasoning_tokens) == (9, 4)
        assert event.cache_write_tokens == 10
        assert not event.is_estimated


def test_a_response_that_fails_in_its_stream_ends_with_one_event(
    client: openai.OpenAI, native: Person, provider: ProviderServer
) -> None:
    failed = {**response_body(), "status": "failed", "usage": None, "output": []}
    failed["error"] = {"code": "server_error", "message": f"Overloaded, {KEY}"}
    events = [*response_events()[:2], peer.event("response.failed", response=failed)]
    provider.script(RESPONSES, Reply(headers={"content-type": SSE}, chunks=events))
    with client.responses.create(model="gpt-native", input="Hello", stream=True) as stream:
        got = list(stream)
    assert [event.type for event in got[2:]] == ["response.failed"]
    assert got[-1].sequence_number == 2
    error = got[-1].response.error  # type: ignore[union-attr]
    assert error is not None
    assert "Overloaded" in error.message
    assert KEY not in error.message
    [event] = native.ledger()
    assert event.error_kind == "overloaded"
    assert event.output_tokens > 0


def test_legacy_completions_pass_through(
    client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    body = chat_body("m") | {"object": "text_completion"}
    body["choices"] = [{"text": "One", "index": 0, "logprobs": None, "finish_reason": "stop"}]
    provider.script(COMPLETIONS, Reply(body=body))
    done = client.completions.create(
        model="test-chat", prompt=["a", "b"], echo=True, n=2, logprobs=3
    )
    assert done.choices[0].text == "One"
    [seen] = provider.requests_to(COMPLETIONS)
    assert seen.json["prompt"] == ["a", "b"]
    chunks = [
        chunk.replace(b'"delta": {"content": ', b'"text": ').replace(b'"}, "fin', b'", "fin')
        for chunk in stream_chunks(has_usage=True)
    ]
    provider.script(COMPLETIONS, Reply(headers={"content-type": SSE}, chunks=chunks))
    with client.completions.create(model="test-chat", prompt="a", stream=True) as stream:
        text = "".join(chunk.choices[0].text or "" for chunk in stream if chunk.choices[0].text)
    assert text == TEXT
    for event in alice.ledger():
        assert (event.output_tokens, event.is_estimated) == (5, False)


@pytest.fixture(scope="module")
def claudes(committed: None) -> Iterator[None]:
    with peer.factory_of_claudes():
        yield


def test_legacy_completions_of_another_protocol(
    client: openai.OpenAI, alice: Person, claudes: None, provider: ProviderServer
) -> None:
    peer.claude_connect(alice, provider.url)
    provider.script(peer.PATH, Reply(body=peer.message()))
    done = client.completions.create(model=peer.MODEL, prompt="Hello", max_tokens=9)
    assert (done.choices[0].text, done.choices[0].finish_reason) == ("Let me look.", "stop")
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (3210, 12)
    provider.script(peer.PATH, peer.stream_reply(peer.stream()))
    with client.completions.create(model=peer.MODEL, prompt="Hello", stream=True) as stream:
        assert "".join(chunk.choices[0].text for chunk in stream) == "Let me look."
    for more in ({"prompt": ["a", "b"]}, {"echo": True}, {"suffix": "end"}):
        asked: dict[str, Any] = {"prompt": "Hello", **more}
        with pytest.raises(openai.BadRequestError):
            client.completions.create(model=peer.MODEL, **asked)


def test_chat_and_responses_of_claude(
    client: openai.OpenAI, alice: Person, claudes: None, provider: ProviderServer
) -> None:
    peer.claude_connect(alice, provider.url)
    said = (peer.THINKING, peer.TEXT, peer.CALL, peer.OTHER_CALL)
    provider.script(peer.PATH, Reply(body=peer.message(*said, reason="tool_use")))
    done = client.chat.completions.create(
        model=peer.MODEL, messages=[{"role": "user", "content": "Hello"}]
    )
    provider.script(peer.PATH, peer.stream_reply(peer.stream(*said, reason="tool_use")))
    with client.chat.completions.stream(
        model=peer.MODEL,
        messages=[{"role": "user", "content": "Hello"}],
        stream_options={"include_usage": True},
    ) as stream:
        streamed = stream.get_final_completion()
    for completion in (done, streamed):
        [choice] = completion.choices
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content == "Let me look."
        calls = choice.message.tool_calls or []
        named = [(call.id, call.function.name) for call in calls]  # type: ignore[union-attr]
        assert named == [("toolu_01", "weather"), ("toolu_02", "clock")]
        assert completion.usage is not None
        assert completion.usage.prompt_tokens == 3210
        assert completion.usage.prompt_tokens_details is not None
        assert completion.usage.prompt_tokens_details.cached_tokens == 3000
        assert completion.usage.prompt_tokens_details.cache_write_tokens == 200
    provider.script(peer.PATH, peer.stream_reply(peer.stream(*said, reason="tool_use")))
    with client.responses.stream(model=peer.MODEL, input="Hello") as answer:
        final = answer.get_final_response()
    kinds = [item.type for item in final.output]
    assert kinds == ["reasoning", "message", "function_call", "function_call"]
    for event in alice.ledger():
        assert (event.input_tokens, event.cached_tokens, event.output_tokens) == (3210, 3000, 12)
        assert not event.is_estimated


def test_at_an_address_of_the_tenants_own_nothing_more_is_assumed(
    client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    endpoint = {"protocol": "openai", "base_url": "https://a.example/v1", "dialects": ["responses"]}
    factory = LLMFactory.objects.create(name="Elsewhere", endpoints={"chat": endpoint})
    facts = ConnectionFacts(
        factory=factory_get(name="Elsewhere"),
        name="default",
        base_url=provider.url,
        credentials={},
        state=ConnectionState.VALID,
    )
    provider.api_key = None
    models = [ModelFacts("gpt-copy", ModelType.CHAT)]
    connection_save(tenant=alice.tenant, facts=facts, models=models, actor=ACTOR)
    assert client.responses.create(model="gpt-copy", input="Hello").output_text == TEXT
    assert len(provider.requests_to(CHAT)) == 1
    factory.delete()
