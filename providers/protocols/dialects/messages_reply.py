"""A chat completion as a message of Anthropic's dialect.

https://docs.claude.com/en/api/messages#response-content
"""

from collections.abc import Mapping
from typing import Any

from providers.protocols.dialects.completions_read import (
    Said,
    bare_id,
    choice_of,
    said_in,
    usage_in,
)
from providers.protocols.dialects.reading import arguments_object
from providers.protocols.dialects.usage_words import usage_in_messages

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def message_of(completion: Mapping[str, Any]) -> dict[str, Any]:
    choice = choice_of(completion)
    said = said_in(choice.get("message"))
    reason = stop_reason(
        choice.get("finish_reason"), has_calls=bool(said.calls), is_refusal=bool(said.refusal)
    )
    return {**message_head(completion), **message_end(reason), "content": _blocks(said)} | {
        "usage": usage_in_messages(usage_in(completion))
    }


def message_head(completion: Mapping[str, Any]) -> dict[str, Any]:
    """A message before it has any content."""
    return {
        "id": f"msg_{bare_id(completion)}",
        "type": "message",
        "role": "assistant",
        "model": completion.get("model") or "",
        "content": [],
        **message_end(None),
        "usage": usage_in_messages(None),
    }


def message_end(reason: str | None) -> dict[str, Any]:
    """Which sequence it was that stopped the answer, chat completions do not tell."""
    return {"stop_reason": reason, "stop_sequence": None}


def stop_reason(finish_reason: Any, *, has_calls: bool, is_refusal: bool) -> str:
    """Some servers say `stop` where the model has called a tool."""
    found = _STOP_REASONS.get(str(finish_reason), "end_turn")
    if found == "end_turn" and is_refusal:
        return "refusal"
    return "tool_use" if found == "end_turn" and has_calls else found


def _blocks(said: Said) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if said.thought:
        blocks.append({"type": "thinking", "thinking": said.thought, "signature": ""})
    if text := said.text + said.refusal:
        blocks.append({"type": "text", "text": text})
    for call in said.calls:
        head = {"type": "tool_use", "id": call.id or f"toolu_{call.place}", "name": call.name}
        blocks.append({**head, "input": arguments_object(call.arguments)})
    return blocks
