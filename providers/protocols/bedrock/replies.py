"""Reads what Converse answers.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from providers.protocols.chat.answer import (
    FINISH_FILTER,
    FINISH_LENGTH,
    FINISH_STOP,
    FINISH_TOOLS,
    choice_make,
    completion_make,
    message_make,
    tool_call_make,
)
from providers.protocols.failures import bad_reply
from providers.protocols.openai.replies import reply_object
from providers.protocols.usage import IMPOSSIBLE, NOT_REPORTED, UsageReport, usage_make
from providers.protocols.wire import ChatReply

_FINISHES = {
    "end_turn": FINISH_STOP,
    "stop_sequence": FINISH_STOP,
    "tool_use": FINISH_TOOLS,
    "max_tokens": FINISH_LENGTH,
    "model_context_window_exceeded": FINISH_LENGTH,
    "guardrail_intervened": FINISH_FILTER,
    "content_filtered": FINISH_FILTER,
    "refusal": FINISH_FILTER,
}
_FAILED = frozenset({"malformed_model_output", "malformed_tool_use"})


def chat_parse(body: bytes) -> ChatReply:
    reply = reply_object(body)
    output = reply.get("output")
    message = output.get("message") if isinstance(output, dict) else None
    blocks = message.get("content") if isinstance(message, dict) else None
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise bad_reply("the reply holds no message")
    finish = finish_of(reply.get("stopReason"))
    texts = [block["text"] for block in blocks if isinstance(block.get("text"), str)]
    thoughts = [thought_of(block["reasoningContent"]) for block in blocks if _thinks(block)]
    calls = [_tool_call(block["toolUse"]) for block in blocks if "toolUse" in block]
    reasoning = "".join(thought.get("thinking", "") for thought in thoughts)
    extra = {"thinking_blocks": thoughts} if thoughts else {}
    said = message_make("".join(texts), reasoning, calls, **extra)
    usage = usage_of(reply).usage
    completion = completion_make([choice_make(said, finish)], usage)
    generated = [*texts, reasoning, *(_called(call) for call in calls)]
    return ChatReply("".join(generated), finish, usage, completion)


def _thinks(block: Mapping[str, Any]) -> bool:
    return isinstance(block.get("reasoningContent"), dict)


def thought_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """In Anthropic's shape, with the signature that the model wants to see again."""
    if content.get("redactedContent") is not None:
        return {"type": "redacted_thinking", "data": content["redactedContent"]}
    said = content.get("reasoningText")
    told = said if isinstance(said, dict) else {}
    thought = {"type": "thinking", "thinking": str(told.get("text") or "")}
    return {**thought, "signature": told["signature"]} if told.get("signature") else thought


def _tool_call(use: Any) -> dict[str, Any]:
    name = use.get("name") if isinstance(use, dict) else None
    if not isinstance(name, str) or not name:
        raise bad_reply("a tool call of the reply has no name")
    arguments = orjson.dumps(use.get("input") or {}).decode()
    return tool_call_make(str(use.get("toolUseId") or ""), name, arguments)


def _called(call: Mapping[str, Any]) -> str:
    return f"{call['function']['name']}{call['function']['arguments']}"


def finish_of(reason: Any) -> str:
    """Raises ProviderError where the model failed to answer, or nothing says how it ended."""
    if not isinstance(reason, str) or not reason:
        raise bad_reply("the reply does not say why the model stopped")
    if reason in _FAILED:
        raise bad_reply(f"the model ended with {reason}")
    return _FINISHES.get(reason, FINISH_STOP)


def usage_of(reply: Mapping[str, Any]) -> UsageReport:
    """`usage`. What was read from a cache or written to one stands beside `inputTokens`.

    https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html; where the total shows
    that a model counts them inside, they are not added again.
    """
    told = reply.get("usage")
    if not isinstance(told, dict):
        return NOT_REPORTED if told is None else IMPOSSIBLE
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    counts = [told.get(name) or 0 for name in names]
    if not _are_counts(counts):
        return IMPOSSIBLE
    fresh, output, read, written = counts
    is_inside = told.get("totalTokens") == fresh + output and fresh >= read + written
    prompt = fresh if is_inside else fresh + read + written
    return usage_make(prompt, output, read, 0, written)


def _are_counts(counts: Iterable[Any]) -> bool:
    return all(type(count) is int and count >= 0 for count in counts)


def usage_parse(reply: bytes | dict[str, Any]) -> UsageReport:
    """Never raises: what does not parse reports none."""
    if isinstance(reply, bytes):
        try:
            reply = orjson.loads(reply)
        except orjson.JSONDecodeError:
            return NOT_REPORTED
    return usage_of(reply) if isinstance(reply, dict) else NOT_REPORTED
