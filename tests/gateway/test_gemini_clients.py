"""The official client of Google and the hub, pointed at the same provider with the same call: they
send the same and understand the same."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import openai
import pytest
from google import genai
from google.genai import types
from google.oauth2 import service_account
from llmock.scenarios import Reply as MockReply
from llmock.scenarios import ToolCall as MockCall
from llmock.testing import LLMockServer

from llmhub.base.secret import Secret
from providers.protocols.registry import PROTOCOLS
from tests.committed_people import KEY, Person
from tests.gateway.foreign import Said, connected, said_by_hub, said_in_chunks
from tests.provider_server import SSE, ProviderServer, Reply
from tests.providers.protocols.exchanges import Exchange, exchanges_of
from tests.providers.protocols.gemini import test_exchanges
from tests.providers.protocols.vertex.keys import key_file

ALL = exchanges_of(test_exchanges.__file__)
# The client makes up an id for a call that has none, and so does the hub.
WHOLE = [each for each in ALL if not each.is_streamed]
STREAMED = [each for each in ALL if each.is_streamed]
NAMES = sorted({each.model for each in ALL})
FINISHES = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter"}
PROJECT = "projects/my-project-123/locations/us-central1/publishers/google"
WEATHER = {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}


@pytest.fixture
def hub(client: openai.OpenAI, alice: Person, provider: ProviderServer) -> Iterator[openai.OpenAI]:
    base_url = provider.url.removesuffix("/v1") + "/v1beta"
    with connected(alice, "gemini", base_url, {"api_key": Secret(KEY)}, NAMES):
        yield client


@pytest.fixture
def vertex_hub(
    client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> Iterator[openai.OpenAI]:
    credentials = {
        "google_project_id": "my-project-123",
        "google_region": "us-central1",
        "google_service_account_key": Secret(_key_file(provider)),
    }
    with connected(alice, "vertex", provider.url, credentials, NAMES):
        yield client


def _key_file(provider: ProviderServer) -> str:
    return key_file(token_uri=provider.url.removesuffix("/v1") + "/token")


@pytest.fixture
def google(provider: ProviderServer) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=provider.url.removesuffix("/v1"), api_version="v1beta")
    with genai.Client(api_key=KEY, vertexai=False, http_options=options) as made:
        yield made


@pytest.fixture
def vertex(provider: ProviderServer) -> Iterator[genai.Client]:
    credentials = service_account.Credentials.from_service_account_info(
        json.loads(_key_file(provider)), scopes=["https://www.googleapis.com/auth/cloud-platform"]
    )
    root = provider.url.removesuffix("/v1")
    with genai.Client(
        vertexai=True,
        project="my-project-123",
        location="us-central1",
        credentials=credentials,
        http_options=types.HttpOptions(base_url=root, api_version="v1"),
    ) as made:
        yield made


def _config(body: dict[str, Any]) -> dict[str, Any]:
    """A request's body in the words of the client, which keeps all but the contents together."""
    rest = {name: value for name, value in body.items() if name != "contents"}
    config = {**rest.pop("generationConfig", {}), **rest}
    return {**config, "automaticFunctionCalling": {"disable": True}}


def _called(google: genai.Client, exchange: Exchange) -> Any:
    body = exchange.sent["body"]
    call = google.models.generate_content
    if exchange.is_streamed:
        call = google.models.generate_content_stream  # type: ignore[assignment]
    return call(model=exchange.model, contents=body["contents"], config=_config(body))  # type: ignore[arg-type]


def _said_by_google(replies: Iterable[Any]) -> Said:
    text, reasoning, finish, calls, usage = "", "", "", [], None
    for reply in replies:
        usage = reply.usage_metadata or usage
        (candidate,) = reply.candidates
        finish = candidate.finish_reason.value if candidate.finish_reason else finish
        for part in (candidate.content.parts or ()) if candidate.content else ():
            if part.function_call:
                called = part.function_call
                calls.append((called.id, called.name, called.args))
            elif part.thought:
                reasoning += part.text
            else:
                text += part.text or ""
    assert usage is not None
    hubs_finish = FINISHES[finish]
    return Said(
        text,
        reasoning,
        tuple(calls),
        "tool_calls" if calls and hubs_finish == "stop" else hubs_finish,
        usage.prompt_token_count,
        (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
        usage.cached_content_token_count or 0,
    )


def _asked(exchange: Exchange) -> dict[str, Any]:
    """As the `openai` client takes it; fields that it does not know go beside its own."""
    asked = {**exchange.asked, "model": exchange.model}
    own = {"safety_settings": asked.pop("safety_settings")} if "safety_settings" in asked else {}
    if exchange.is_streamed:
        asked["stream_options"] = {"include_usage": True}
    return {**asked, "extra_body": own}


def _reply(exchange: Exchange) -> Reply:
    if not exchange.is_streamed:
        return Reply(body=exchange.reply)
    events = [b"data: %b\r\n\r\n" % json.dumps(event).encode() for event in exchange.events]
    return Reply(headers={"content-type": SSE}, chunks=events)


def _compare(
    hub: openai.OpenAI, google: genai.Client, provider: ProviderServer, exchange: Exchange, at: str
) -> None:
    method = "streamGenerateContent" if exchange.is_streamed else "generateContent"
    path = f"{at}/models/{exchange.model}:{method}"
    provider.script(path, _reply(exchange), _reply(exchange))
    answer = _called(google, exchange)
    theirs = _said_by_google(answer if exchange.is_streamed else [answer])
    answer = hub.chat.completions.create(**_asked(exchange))
    ours = said_in_chunks(answer) if exchange.is_streamed else said_by_hub(answer)
    assert ours == theirs
    first, second = provider.requests_to(path)
    assert _plain(second.json) == _plain(first.json)


def _plain(body: Any) -> Any:
    """The client spells names either way, as Google's JSON allows, writes levels in capitals, and
    sends a configuration that holds nothing."""
    if isinstance(body, list):
        return [_plain(item) for item in body]
    if not isinstance(body, dict):
        return body
    named = {
        re.sub("_([a-z])", lambda found: found[1].upper(), name): _plain(value)
        for name, value in body.items()
    }
    if "thinkingLevel" in named:
        named["thinkingLevel"] = named["thinkingLevel"].upper()
    return {n: value for n, value in named.items() if (n, value) != ("generationConfig", {})}


@pytest.mark.parametrize("exchange", ALL, ids=lambda e: e.name)
def test_through_the_hub_gemini_is_sent_and_says_the_same(
    hub: openai.OpenAI, google: genai.Client, provider: ProviderServer, exchange: Exchange
) -> None:
    _compare(hub, google, provider, exchange, "/v1beta")
    first, second = provider.seen
    assert second.headers["x-goog-api-key"] == first.headers["x-goog-api-key"] == KEY


@pytest.mark.parametrize("exchange", ALL, ids=lambda e: e.name)
def test_through_the_hub_vertex_is_sent_and_says_the_same(
    vertex_hub: openai.OpenAI, vertex: genai.Client, provider: ProviderServer, exchange: Exchange
) -> None:
    token = Reply(body={"access_token": "ya29.one", "expires_in": 3600, "token_type": "Bearer"})
    provider.script("/token", token, token)
    _compare(vertex_hub, vertex, provider, exchange, f"/v1/{PROJECT}")
    calls = [seen for seen in provider.seen if seen.path != "/token"]
    assert {seen.headers["authorization"] for seen in calls} == {"Bearer ya29.one"}


def test_what_was_left_out_is_named_to_the_caller(
    hub: openai.OpenAI, provider: ProviderServer
) -> None:
    exchange = next(each for each in WHOLE if each.name == "text")
    provider.script(f"/v1beta/models/{exchange.model}:generateContent", _reply(exchange))
    raw = hub.chat.completions.with_raw_response.create(**_asked(exchange))
    assert raw.headers["x-llmhub-left-out"] == "user"


def test_what_cannot_be_said_is_the_callers_mistake_and_not_sent(
    hub: openai.OpenAI, provider: ProviderServer
) -> None:
    with pytest.raises(openai.BadRequestError, match="file_id"):
        hub.chat.completions.create(
            model="gemini-2.5-flash",
            messages=[
                {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}
            ],
        )
    assert provider.seen == []


def test_every_protocol_of_the_clouds_is_registered() -> None:
    assert {"azure-openai", "bedrock", "gemini", "vertex"} <= PROTOCOLS.keys()


@pytest.fixture
def mock() -> Iterator[LLMockServer]:
    with LLMockServer() as server:
        yield server


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize(
    "reply",
    [
        MockReply(text="Hello from the emulator."),
        MockReply(tool_calls=(MockCall("get_weather", {"city": "Oslo"}),)),
    ],
    ids=["text", "tool"],
)
def test_an_emulator_of_others_is_understood_as_by_the_official_client(
    client: openai.OpenAI,
    alice: Person,
    mock: LLMockServer,
    reply: MockReply,
    is_streamed: bool,
) -> None:
    root = mock.base_url("gemini")
    mock.state.scenarios.add(reply)
    mock.state.scenarios.add(reply)
    options = types.HttpOptions(base_url=root, api_version="v1beta")
    with genai.Client(api_key=KEY, vertexai=False, http_options=options) as google:
        config = {
            "tools": [{"functionDeclarations": [WEATHER]}],
            "automaticFunctionCalling": {"disable": True},
        }
        call: Any = google.models.generate_content
        if is_streamed:
            call = google.models.generate_content_stream
        answer = call(model="gemini-2.5-pro", contents="Hi", config=config)
        theirs = _said_by_google(answer if is_streamed else [answer])
    with connected(alice, "gemini", f"{root}/v1beta", {"api_key": Secret(KEY)}, ["gemini-2.5-pro"]):
        asked: dict[str, Any] = {
            "model": "gemini-2.5-pro",
            "messages": [{"role": "user", "content": "Hi"}],
            "tools": [{"type": "function", "function": WEATHER}],
        }
        if is_streamed:
            options_ = {"include_usage": True}
            ours = said_in_chunks(
                client.chat.completions.create(**asked, stream=True, stream_options=options_)
            )
        else:
            ours = said_by_hub(client.chat.completions.create(**asked))
    assert _without_ids(ours) == _without_ids(theirs)


def _without_ids(said: Said) -> Said:
    """The emulator gives its calls no ids, so the hub makes them up."""
    calls = tuple(("", name, arguments) for _, name, arguments in said.calls)
    return Said(
        said.text,
        said.reasoning,
        calls,
        said.finish,
        said.input_tokens,
        said.output_tokens,
        said.cached_tokens,
    )
