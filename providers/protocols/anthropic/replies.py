"""Reads whole replies of Anthropic's API, strictly, and says them as chat completions.

https://docs.claude.com/en/api/messages
"""

import time
from collections.abc import Mapping
from typing import Any

import orjson

from providers.protocols.anthropic.errors import failure_in_stream
from providers.protocols.dialects.usage_words import usage_in_chat
from providers.protocols.failures import ProviderError, bad_reply
from providers.protocols.usage import IMPOSSIBLE, NOT_REPORTED, UsageReport, usage_make
from providers.protocols.wire import ChatReply

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
THOUGHTS = ("thinking", "redacted_thinking")


def message_parse(body: bytes) -> dict[str, Any]:
    """The message. Raises ProviderError for anything else, an error with HTTP 200 included."""
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        what = "a web page" if body.lstrip()[:1] == b"<" else "not JSON"
        raise bad_reply(f"the reply is {what}" if body else "the reply is empty") from None
    if not isinstance(reply, dict):
        raise bad_reply("the reply is not an object")
    if reply.get("type") == "error" or reply.get("error"):
        raise ProviderError(failure_in_stream(reply))
    if reply.get("type") != "message" or not isinstance(reply.get("content"), list):
        raise bad_reply("the reply is not a message")
    return reply


def untouched_reply(body: bytes) -> ChatReply:
    """For a caller of the same dialect."""
    message = message_parse(body)
    return ChatReply(message_text(message), _stop_reason(message), message_usage(message).usage)


def translated_reply(body: bytes) -> ChatReply:
    message = message_parse(body)
    usage = message_usage(message).usage
    completion = completion_of(message)
    if usage is not None:
        completion["usage"] = usage_in_chat(usage)
    finish_reason = str(completion["choices"][0]["finish_reason"])
    return ChatReply(message_text(message), finish_reason, usage, completion)


def completion_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/chat/object, its usage left to the caller.

    `reasoning_content` is what was thought, and `thinking_blocks` the same with the signatures that
    Claude wants to see again (content.py).
    """
    blocks = [block for block in message["content"] if isinstance(block, Mapping)]
    said: dict[str, Any] = {"role": "assistant", "content": _joined(blocks, "text", "text")}
    thoughts = [dict(block) for block in blocks if block.get("type") in THOUGHTS]
    if thoughts:
        said["reasoning_content"] = _joined(blocks, "thinking", "thinking") or ""
        said["thinking_blocks"] = thoughts
    if calls := [_tool_call(block) for block in blocks if block.get("type") == "tool_use"]:
        said["tool_calls"] = calls
    reason = finish_reason(_stop_reason(message))
    choice = {"index": 0, "message": said, "logprobs": None, "finish_reason": reason}
    return {**completion_head(message, "chat.completion"), "choices": [choice]}


def completion_head(message: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Anthropic does not say when: it is now."""
    return {
        "id": str(message.get("id") or ""),
        "object": kind,
        "created": int(time.time()),
        "model": str(message.get("model") or ""),
    }


def finish_reason(stop_reason: str) -> str:
    return FINISH_REASONS.get(stop_reason, "stop")


def message_text(message: Mapping[str, Any]) -> str:
    """All that was generated: words, thinking, and what tools were called with."""
    blocks = (block for block in message["content"] if isinstance(block, Mapping))
    return "".join(text for block in blocks for text in _block_texts(block))


def message_usage(message: Mapping[str, Any]) -> UsageReport:
    return usage_parse(message.get("usage"))


def usage_parse(reported: Any) -> UsageReport:
    """Here the kinds stand beside each other: `input_tokens` is neither read from the cache nor
    written to it. https://docs.claude.com/en/docs/build-with-claude/prompt-caching"""
    if not isinstance(reported, Mapping):
        return NOT_REPORTED if reported is None else IMPOSSIBLE
    if reported.get("input_tokens") is None and reported.get("output_tokens") is None:
        return NOT_REPORTED
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    fresh, read, written = (reported.get(name) or 0 for name in names)
    if any(type(count) not in (int, float) for count in (fresh, read, written)):
        return IMPOSSIBLE
    if min(fresh, read, written) < 0:
        return IMPOSSIBLE
    details = reported.get("output_tokens_details")
    thought = details.get("thinking_tokens") if isinstance(details, Mapping) else 0
    output = reported.get("output_tokens")
    return usage_make(
        fresh + read + written, 0 if output is None else output, read, thought or 0, written
    )


def count_parse(body: bytes) -> int:
    """https://docs.claude.com/en/api/messages-count-tokens"""
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad_reply("the reply is not JSON") from None
    count = reply.get("input_tokens") if isinstance(reply, dict) else None
    if type(count) is not int or count < 0:
        raise bad_reply("the reply holds no count of tokens")
    return count


def _stop_reason(message: Mapping[str, Any]) -> str:
    return str(message.get("stop_reason") or "")


def _joined(blocks: list[Mapping[str, Any]], kind: str, name: str) -> str | None:
    """None where there is no such block at all."""
    texts = [str(block.get(name) or "") for block in blocks if block.get("type") == kind]
    return "".join(texts) if texts else None


def _tool_call(block: Mapping[str, Any]) -> dict[str, Any]:
    function = {
        "name": str(block.get("name") or ""),
        "arguments": orjson.dumps(block.get("input") or {}).decode(),
    }
    return {"id": str(block.get("id") or ""), "type": "function", "function": function}


def _block_texts(block: Mapping[str, Any]) -> list[str]:
    texts = [
        block[name] for name in ("text", "thinking", "name") if isinstance(block.get(name), str)
    ]
    called = block.get("input")
    return [*texts, orjson.dumps(called).decode()] if called else texts
