"""The official clients of Cohere, Mistral and Ollama and the hub, pointed at the same provider with
the same call: they understand the same, and send the same."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import cohere
import httpx
import ollama
import openai
import pytest
from mistralai.client import Mistral

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from tests.committed_people import KEY, Person
from tests.gateway.foreign import Said, connected, said_by_hub, said_in_chunks
from tests.provider_server import SSE, ProviderServer, Reply
from tests.providers.protocols import test_exchanges
from tests.providers.protocols.exchanges import Exchange

FINISHES = {
    "COMPLETE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "model_length": "length",
}


def chats(name: str) -> list[Exchange]:
    """Those that report a usage: where there is none the hub has nothing to pass on."""
    return [
        each
        for each in test_exchanges.ALL
        if each.name.startswith(f"{name}/") and "kind" not in each.content and each.answer["usage"]
    ]


def one(name: str) -> Exchange:
    return next(each for each in test_exchanges.ALL if each.name == name)


def root(provider: ProviderServer) -> str:
    return provider.url.removesuffix("/v1")


def reply_of(exchange: Exchange) -> Reply:
    if not exchange.is_streamed:
        return Reply(body=exchange.reply)
    stream = test_exchanges.stream_of(test_exchanges.protocol_of(exchange), exchange)
    return Reply(headers={"content-type": SSE}, chunks=[stream])


def said_through_hub(hub: openai.OpenAI, exchange: Exchange) -> Said:
    asked = dict(exchange.asked)
    own = {name: asked.pop(name) for name in list(asked) if name not in ("messages", "stream")}
    if exchange.is_streamed:
        own["stream_options"] = {"include_usage": True}
    answer = hub.chat.completions.create(**asked, model=exchange.model, extra_body=own)
    return said_in_chunks(answer) if exchange.is_streamed else said_by_hub(answer)


def calls_of(calls: Iterable[Any] | None) -> tuple[tuple[str, str, Any], ...]:
    return tuple(
        (call.id, call.function.name, json.loads(call.function.arguments)) for call in calls or ()
    )


def cohere_said(client: cohere.ClientV2, body: dict[str, Any]) -> Said:
    if not body.pop("stream", False):
        answer = client.chat(**body)
        parts = answer.message.content or []
        return _cohere(
            "".join(part.text for part in parts if part.type == "text"),
            "".join(part.thinking for part in parts if part.type == "thinking"),
            calls_of(answer.message.tool_calls),
            answer,
        )
    text, thought, calls, end = "", "", [], None
    for event in client.chat_stream(**body):
        match event.type:
            case "content-delta":
                text += event.delta.message.content.text or ""
                thought += event.delta.message.content.thinking or ""
            case "tool-call-start":
                calls.append(event.delta.message.tool_calls)
            case "tool-call-delta":
                calls[-1].function.arguments += event.delta.message.tool_calls.function.arguments
            case "message-end":
                end = event.delta
    return _cohere(text, thought, calls_of(calls), end)


def _cohere(text: str, thought: str, calls: tuple[Any, ...], end: Any) -> Said:
    usage = end.usage
    counted = usage.billed_units or usage.tokens
    return Said(
        text,
        thought,
        calls,
        FINISHES[end.finish_reason],
        int(counted.input_tokens),
        int(counted.output_tokens),
        int(usage.cached_tokens or 0),
    )


def mistral_said(client: Mistral, body: dict[str, Any]) -> Said:
    if not body.pop("stream", False):
        answer = client.chat.complete(**body)
        (choice,) = answer.choices
        return _mistral([choice.message], choice.finish_reason, answer.usage)
    pieces, finish, usage = [], "", None
    for event in client.chat.stream(**body):
        (choice,) = event.data.choices
        pieces.append(choice.delta)
        finish = choice.finish_reason or finish
        usage = event.data.usage or usage
    return _mistral(pieces, finish, usage)


def _mistral(pieces: list[Any], finish: str, usage: Any) -> Said:
    text, thought, calls = "", "", []
    for piece in pieces:
        content = piece.content if isinstance(piece.content, list) else []
        text += piece.content if isinstance(piece.content, str) else ""
        text += "".join(part.text for part in content if part.type == "text")
        for part in content:
            if part.type == "thinking":
                thought += "".join(each.text for each in part.thinking)
        calls += piece.tool_calls or []
    told = getattr(usage, "prompt_tokens_details", None)
    cached = told["cached_tokens"] if told else 0
    counts = (usage.prompt_tokens, usage.completion_tokens, cached)
    return Said(text, thought, calls_of(calls), FINISHES.get(finish, finish), *counts)


def ollama_said(client: ollama.Client, body: dict[str, Any]) -> Said:
    """The client keeps no ids of calls."""
    answer = client.chat(**body)
    replies = list(answer) if body["stream"] else [answer]
    text = "".join(reply.message.content or "" for reply in replies)
    thought = "".join(reply.message.thinking or "" for reply in replies)
    calls = [call for reply in replies for call in reply.message.tool_calls or ()]
    last = replies[-1]
    said = tuple(("", call.function.name, dict(call.function.arguments)) for call in calls)
    finish = "tool_calls" if calls else str(last.done_reason)
    return Said(text, thought, said, finish, last.prompt_eval_count, last.eval_count)


@contextmanager
def cohere_client(provider: ProviderServer) -> Iterator[cohere.ClientV2]:
    """Its own way to be closed leaves the connection open."""
    with httpx.Client() as connection:
        yield cohere.ClientV2(api_key=KEY, base_url=root(provider), httpx_client=connection)


Speak = Callable[[dict[str, Any]], Said]


@pytest.fixture
def speak(request: pytest.FixtureRequest, provider: ProviderServer) -> Iterator[Speak]:
    """The official client of the protocol that the test names."""
    match request.param:
        case "cohere":
            with cohere_client(provider) as client:
                yield lambda body: cohere_said(client, body)
        case "mistral":
            with Mistral(api_key=KEY, server_url=root(provider)) as mistral:
                yield lambda body: mistral_said(mistral, body)
        case "ollama":
            with ollama.Client(host=root(provider)) as host:
                yield lambda body: ollama_said(host, body)


PATHS = {"cohere": "/v2/chat", "mistral": "/v1/chat/completions", "ollama": "/api/chat"}
CASES = [
    pytest.param(name, exchange, id=exchange.name) for name in PATHS for exchange in chats(name)
]


@pytest.mark.parametrize(("speak", "exchange"), CASES, indirect=["speak"])
def test_through_the_hub_a_provider_says_the_same(
    client: openai.OpenAI,
    alice: Person,
    provider: ProviderServer,
    speak: Speak,
    exchange: Exchange,
) -> None:
    name = test_exchanges.protocol_of(exchange)
    provider.script(PATHS[name], reply_of(exchange), reply_of(exchange))
    theirs = speak(dict(exchange.sent["body"]))
    address = provider.url if name == "mistral" else root(provider)
    with connected(alice, name, address, {"api_key": Secret(KEY)}, [exchange.model]):
        ours = said_through_hub(client, exchange)
    if name == "ollama":
        ours = replace(ours, calls=tuple(("", *call[1:]) for call in ours.calls))
    assert ours == theirs
    first, second = provider.requests_to(PATHS[name])
    assert second.json == exchange.sent["body"]
    if name == "cohere":
        # The client says that it wants no stream, which is what goes without saying.
        assert {"stream": False, **first.json} == {"stream": False, **second.json}
        assert first.headers["authorization"] == second.headers["authorization"]


def test_through_the_hub_coheres_vectors_and_ranking_are_the_same(
    client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    embed, rerank = one("cohere/embed"), one("cohere/rerank")
    provider.script("/v2/embed", reply_of(embed), reply_of(embed))
    provider.script("/v2/rerank", reply_of(rerank), reply_of(rerank))
    with cohere_client(provider) as theirs:
        vectors = theirs.embed(**embed.sent["body"])
        ranked = theirs.rerank(**rerank.sent["body"])
    key = {"api_key": Secret(KEY)}
    with connected(alice, "cohere", root(provider), key, [embed.model], ModelType.EMBEDDING):
        asked = {name: value for name, value in embed.asked.items() if name != "encoding_format"}
        own = {"input_type": asked.pop("input_type")}
        ours = client.embeddings.create(**asked, model=embed.model, extra_body=own)
    # The client of OpenAI asks for 32-bit floats.
    assert vectors.embeddings.float_ is not None
    for mine, theirs_ in zip(ours.data, vectors.embeddings.float_, strict=True):
        assert mine.embedding == pytest.approx(theirs_, rel=1e-6)
    assert ours.usage.prompt_tokens == vectors.meta.billed_units.input_tokens
    with connected(alice, "cohere", root(provider), key, [rerank.model], ModelType.RERANK):
        told = client.post("/rerank", cast_to=object, body={**rerank.asked, "model": rerank.model})
    assert [(r["index"], r["relevance_score"]) for r in told["results"]] == [
        (result.index, result.relevance_score) for result in ranked.results
    ]
