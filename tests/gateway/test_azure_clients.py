"""The official client for Azure and the hub, pointed at the same provider with the same call."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from llmhub.base.secret import Secret
from tests.committed_people import KEY, Person
from tests.gateway.foreign import connected, said_by_hub, said_in_chunks
from tests.provider_server import SSE, ProviderServer, Reply, chat_body, stream_chunks

DEPLOYMENT = "our-gpt-4o"
VERSION = "2024-10-21"
MESSAGES: Any = [{"role": "user", "content": "Hello"}]
DETAILS = {"cached_tokens": 3, "audio_tokens": 0}


@pytest.fixture(params=[VERSION, "v1"])
def surface(
    request: pytest.FixtureRequest, client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> Iterator[tuple[openai.OpenAI, openai.OpenAI, str]]:
    """The hub, the official client, and the path of chat on this surface."""
    root = provider.url.removesuffix("/v1")
    credentials = {"api_key": Secret(KEY), "api_version": request.param}
    if request.param == "v1":
        path = "/openai/v1/chat/completions"
        official = openai.OpenAI(
            base_url=f"{root}/openai/v1", api_key="-", default_headers={"api-key": KEY}
        )
    else:
        path = f"/openai/deployments/{DEPLOYMENT}/chat/completions"
        official = openai.AzureOpenAI(azure_endpoint=root, api_key=KEY, api_version=VERSION)
    with official, connected(alice, "azure-openai", root, credentials, [DEPLOYMENT]):
        yield client, official, path


def _reply() -> Reply:
    body = chat_body(DEPLOYMENT)
    call = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
    tool_call = {"id": "call_1", "type": "function", "function": call}
    body["choices"][0]["message"] |= {"content": None, "tool_calls": [tool_call]}
    body["choices"][0]["finish_reason"] = "tool_calls"
    body["usage"]["prompt_tokens_details"] = DETAILS
    return Reply(body={**body, "prompt_filter_results": [{"prompt_index": 0}]})


def _stream() -> Reply:
    """Azure's first chunk judges the prompt, and holds no choice."""
    head = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": "", "choices": []}
    first = b"data: " + json.dumps({**head, "prompt_filter_results": []}).encode() + b"\n\n"
    *words, usage, done = stream_chunks(DEPLOYMENT, has_usage=True)
    told = json.loads(usage.removeprefix(b"data: "))
    told["usage"]["prompt_tokens_details"] = DETAILS
    last = b"data: " + json.dumps(told).encode() + b"\n\n"
    return Reply(headers={"content-type": SSE}, chunks=[first, *words, last, done])


def test_through_the_hub_azure_is_sent_and_says_the_same(
    surface: tuple[openai.OpenAI, openai.OpenAI, str], provider: ProviderServer
) -> None:
    hub, official, path = surface
    provider.script(path, _reply(), _reply())
    tools: Any = [{"type": "function", "function": {"name": "get_weather"}}]
    asked = {"model": DEPLOYMENT, "messages": MESSAGES, "tools": tools, "temperature": 0.5}
    theirs = said_by_hub(official.chat.completions.create(**asked))
    ours = said_by_hub(hub.chat.completions.create(**asked))
    assert ours == theirs
    assert ours.calls == (("call_1", "get_weather", {"city": "Oslo"}),)
    _assert_sent_alike(provider)


def test_through_the_hub_a_stream_of_azure_is_sent_and_says_the_same(
    surface: tuple[openai.OpenAI, openai.OpenAI, str], provider: ProviderServer
) -> None:
    hub, official, path = surface
    provider.script(path, _stream(), _stream())
    options: Any = {"include_usage": True}
    asked: Any = {
        "model": DEPLOYMENT,
        "messages": MESSAGES,
        "stream": True,
        "stream_options": options,
    }
    theirs = said_in_chunks(official.chat.completions.create(**asked))
    ours = said_in_chunks(hub.chat.completions.create(**asked))
    assert ours == theirs
    assert ours.cached_tokens == 3
    _assert_sent_alike(provider)


def _assert_sent_alike(provider: ProviderServer) -> None:
    first, second = provider.seen
    assert second.path == first.path
    assert second.json == first.json
    assert second.headers["api-key"] == first.headers["api-key"] == KEY
    assert "authorization" not in second.headers
