"""The official client of AWS and the hub, pointed at the same provider with the same call: they
send the same and understand the same."""

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Any

import boto3
import openai
import pytest
from botocore.config import Config

from llmhub.base.secret import Secret
from tests.committed_people import Person
from tests.gateway.foreign import Said, connected, said_by_hub, said_in_chunks
from tests.gateway.raw_http import CHAT, request
from tests.gateway.server import RunningGateway
from tests.provider_server import ProviderServer, Reply
from tests.providers.protocols.bedrock import test_exchanges
from tests.providers.protocols.bedrock.frames import stream
from tests.providers.protocols.exchanges import Exchange, exchanges_of

ALL = exchanges_of(test_exchanges.__file__)
NAMES = sorted({each.model for each in ALL})
EVENTS = {"content-type": "application/vnd.amazon.eventstream"}
FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "content_filtered": "content_filter",
}
KEYS = {
    "bedrock_ak": "AKIDEXAMPLE",
    "bedrock_sk": Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    "bedrock_region": "us-east-1",
}


@pytest.fixture
def hub(client: openai.OpenAI, alice: Person, provider: ProviderServer) -> Iterator[openai.OpenAI]:
    with connected(alice, "bedrock", _root(provider), KEYS, NAMES):
        yield client


def _root(provider: ProviderServer) -> str:
    return provider.url.removesuffix("/v1")


@pytest.fixture
def amazon(provider: ProviderServer) -> Any:
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=_root(provider),
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        config=Config(retries={"total_max_attempts": 1}),
    )


def _with_bytes(value: Any, name: str = "") -> Any:
    """The client takes bytes where the wire has base64."""
    if isinstance(value, dict):
        return {key: _with_bytes(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_bytes(item) for item in value]
    return b64decode(value) if name in ("bytes", "redactedContent") else value


def _said_by_amazon(answer: Any) -> Said:
    blocks = answer["output"]["message"]["content"]
    thoughts = [b["reasoningContent"] for b in blocks if "reasoningContent" in b]
    uses = [block["toolUse"] for block in blocks if "toolUse" in block]
    return _said(
        "".join(block.get("text", "") for block in blocks),
        "".join(t["reasoningText"]["text"] for t in thoughts if "reasoningText" in t),
        [(use["toolUseId"], use["name"], use["input"]) for use in uses],
        answer["stopReason"],
        answer["usage"],
    )


def _said_in_events(events: Iterable[Any]) -> Said:
    text, reasoning, reason, usage = "", "", "", {}
    calls: dict[int, list[str]] = {}
    for event in events:
        match next(iter(event.items())):
            case "contentBlockStart", {"start": {"toolUse": use}, "contentBlockIndex": place}:
                calls[place] = [use["toolUseId"], use["name"], ""]
            case "contentBlockDelta", {"delta": {"text": words}}:
                text += words
            case "contentBlockDelta", {"delta": {"reasoningContent": {"text": words}}}:
                reasoning += words
            case "contentBlockDelta", {"delta": {"toolUse": piece}, "contentBlockIndex": place}:
                calls[place][2] += piece["input"]
            case "messageStop", {"stopReason": reason}:
                pass
            case "metadata", {"usage": usage}:
                pass
    read = [(id_, name, json.loads(arguments)) for id_, name, arguments in calls.values()]
    return _said(text, reasoning, read, reason, usage)


def _said(text: str, reasoning: str, calls: list[Any], reason: str, usage: Any) -> Said:
    """What was cached stands beside the input here, and inside the prompt with OpenAI."""
    cached = usage.get("cacheReadInputTokens", 0)
    is_inside = usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    beside = 0 if is_inside else cached + usage.get("cacheWriteInputTokens", 0)
    prompt = usage["inputTokens"] + beside
    finish = FINISHES[reason]
    return Said(text, reasoning, tuple(calls), finish, prompt, usage["outputTokens"], cached)


def _asked(exchange: Exchange) -> dict[str, Any]:
    asked = {**exchange.asked, "model": exchange.model}
    own = {"top_k": asked.pop("top_k")} if "top_k" in asked else {}
    if exchange.is_streamed:
        asked["stream_options"] = {"include_usage": True}
    return {**asked, "extra_body": own}


@pytest.mark.parametrize("exchange", ALL, ids=lambda e: e.name)
def test_through_the_hub_bedrock_is_sent_and_says_the_same(
    hub: openai.OpenAI, amazon: Any, provider: ProviderServer, exchange: Exchange
) -> None:
    body = _with_bytes(exchange.sent["body"])
    if exchange.is_streamed:
        path = f"/model/{exchange.model}/converse-stream"
        whole = stream(exchange.events)
        reply = Reply(headers=EVENTS, chunks=[whole[:100], whole[100:]])
        provider.script(path, reply, reply)
        answer = amazon.converse_stream(modelId=exchange.model, **body)
        theirs = _said_in_events(answer["stream"])
        ours = said_in_chunks(hub.chat.completions.create(**_asked(exchange)))
    else:
        path = f"/model/{exchange.model}/converse"
        provider.script(path, Reply(body=exchange.reply), Reply(body=exchange.reply))
        theirs = _said_by_amazon(amazon.converse(modelId=exchange.model, **body))
        ours = said_by_hub(hub.chat.completions.create(**_asked(exchange)))
    assert ours == theirs
    first, second = provider.seen
    assert second.json == first.json
    assert second.path == first.path
    # What the signature covers, it was sent with.
    assert second.headers["host"] == first.headers["host"]
    scope = "/us-east-1/bedrock/aws4_request"
    assert scope in first.headers["authorization"]
    assert scope in second.headers["authorization"]


def test_a_role_is_taken_on_once_and_its_key_signs(
    client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    granted = b"""<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE
      </AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken>
      </Credentials></AssumeRoleResult></AssumeRoleResponse>"""
    exchange = next(each for each in ALL if each.name == "text")
    provider.script("/", Reply(body=granted))
    path = f"/model/{exchange.model}/converse"
    provider.script(path, Reply(body=exchange.reply), Reply(body=exchange.reply))
    role = {"aws_role_arn": "arn:aws:iam::123456789012:role/bedrock"}
    with connected(alice, "bedrock", _root(provider), {**KEYS, **role}, [exchange.model]):
        for _ in range(2):
            client.chat.completions.create(**_asked(exchange))
    assert len(provider.requests_to("/")) == 1
    for seen in provider.requests_to(path):
        assert "Credential=ASIAROLE/" in seen.headers["authorization"]
        assert seen.headers["x-amz-security-token"] == "session"


def test_a_stream_that_breaks_off_ends_in_an_error(
    gateway: RunningGateway, hub: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    exchange = next(each for each in ALL if each.name == "stream_text")
    whole = stream(exchange.events)
    first = len(stream(exchange.events[:1]))
    path = f"/model/{exchange.model}/converse-stream"
    body = {**exchange.asked, "model": exchange.model}
    for cut in range(first, len(whole), 97):
        provider.script(path, Reply(headers=EVENTS, chunks=[whole[:cut]], ending="cut"))
        answer = request(gateway, "POST", CHAT, token=alice.token, body=body)
        assert answer.status == 200
        assert b"[DONE]" not in answer.body
        last = answer.body.decode().strip().split("\n\n")[-1]
        assert json.loads(last.removeprefix("data: "))["error"]["message"]
