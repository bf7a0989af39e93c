"""What Anthropic's API answers, as its reference shows it, and a factory whose models speak it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.models import LLMFactory
from providers.selectors import factory_get
from tenants.llms.services.connections import ConnectionFacts, ModelFacts, connection_save
from tenants.models import ConnectionState
from tests.committed_people import ACTOR, KEY, Person
from tests.provider_server import SSE, Reply

FACTORY = "Clauderie"
MODEL = "claude-test-9"
PATH = "/v1/messages"
USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 200,
    "cache_read_input_tokens": 3000,
    "output_tokens": 12,
    "output_tokens_details": {"thinking_tokens": 4},
}
THINKING = {"type": "thinking", "thinking": "Paris, I think.", "signature": "c2lnbmVk"}
TEXT = {"type": "text", "text": "Let me look."}
CALL = {"type": "tool_use", "id": "toolu_01", "name": "weather", "input": {"city": "Paris"}}
OTHER_CALL = {"type": "tool_use", "id": "toolu_02", "name": "clock", "input": {}}


@contextmanager
def factory_of_claudes() -> Iterator[LLMFactory]:
    endpoint = {"protocol": "anthropic", "base_url": ""}
    field = {"name": "api_key", "label": "Key", "is_secret": True, "is_required": False}
    factory = LLMFactory.objects.create(
        name=FACTORY, endpoints={"chat": endpoint}, credential_fields=[field]
    )
    yield factory
    factory.delete()


def claude_connect(person: Person, base_url: str) -> None:
    facts = ConnectionFacts(
        factory=factory_get(name=FACTORY),
        name="default",
        base_url=base_url.removesuffix("/v1"),
        credentials={"api_key": Secret(KEY)},
        state=ConnectionState.VALID,
    )
    models = [ModelFacts(MODEL, ModelType.CHAT)]
    connection_save(tenant=person.tenant, facts=facts, models=models, actor=ACTOR)


def message(*blocks: Mapping[str, Any], reason: str = "end_turn") -> dict[str, Any]:
    return {
        "id": "msg_013Zva2CMHLNnjNjJJKqJ2EF",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": list(blocks or [TEXT]),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": USAGE,
    }


def stream(*blocks: Mapping[str, Any], reason: str = "end_turn") -> list[bytes]:
    """The events of a message, each block in several deltas."""
    start = message(reason=reason) | {"content": [], "stop_reason": None}
    start["usage"] = {**USAGE, "output_tokens": 1, "output_tokens_details": None}
    found = [event("message_start", message=start), event("ping")]
    for index, block in enumerate(blocks or [TEXT]):
        found += _block_events(index, block)
    delta = {"stop_reason": reason, "stop_sequence": None}
    end = {"output_tokens": 12, "output_tokens_details": {"thinking_tokens": 4}}
    return [*found, event("message_delta", delta=delta, usage=end), event("message_stop")]


def stream_reply(events: Sequence[bytes], **more: Any) -> Reply:
    return Reply(headers={"content-type": SSE}, chunks=events, **more)


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def _block_events(index: int, block: Mapping[str, Any]) -> list[bytes]:
    kind = block["type"]
    if kind == "tool_use":
        empty, text, delta = {**block, "input": {}}, json.dumps(block["input"]), "input_json_delta"
        name = "partial_json"
    else:
        name, delta = kind, f"{kind}_delta"
        empty, text = {**block, name: ""}, block[kind]
    half = len(text) // 2
    deltas: list[dict[str, Any]] = [
        {"type": delta, name: part} for part in (text[:half], text[half:])
    ]
    if kind == "thinking":
        empty["signature"] = ""
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    return [
        event("content_block_start", index=index, content_block=empty),
        *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
        event("content_block_stop", index=index),
    ]
