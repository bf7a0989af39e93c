"""Reads what Cohere answers. https://docs.cohere.com/reference/chat#response"""

from collections.abc import Mapping
from typing import Any

import orjson

from llmhub.base.redact import redact
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
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure, bad_reply
from providers.protocols.openai.replies import reply_json, reply_object
from providers.protocols.usage import IMPOSSIBLE, NOT_REPORTED, UsageReport, usage_make
from providers.protocols.vectors import reply_of_vectors
from providers.protocols.wire import ChatReply, EmbeddingReply

_FINISHES = {
    "COMPLETE": FINISH_STOP,
    "STOP_SEQUENCE": FINISH_STOP,
    "MAX_TOKENS": FINISH_LENGTH,
    "ERROR_LIMIT": FINISH_LENGTH,
    "TOOL_CALL": FINISH_TOOLS,
    "ERROR_TOXIC": FINISH_FILTER,
}
_FAILURES = {"ERROR": FailureKind.OVERLOADED, "TIMEOUT": FailureKind.TIMEOUT}


def chat_parse(body: bytes) -> ChatReply:
    """`tool_plan` and `citations` stand in the message under Cohere's names."""
    reply = reply_object(body)
    message = reply.get("message")
    if not isinstance(message, dict):
        raise bad_reply("the reply holds no message")
    finish = finish_of(reply.get("finish_reason"), reply.get("error"))
    text, thought = _said(message.get("content"))
    calls = [tool_call_read(call) for call in message.get("tool_calls") or ()]
    extra = {n: message[n] for n in ("tool_plan", "citations") if message.get(n)}
    choice = choice_make(message_make(text, thought, calls, **extra), finish)
    usage = usage_parse(reply).usage
    completion = completion_make([choice], usage, reply_id=str(reply.get("id") or ""))
    spoken = "".join(f"{c['function']['name']}{c['function']['arguments']}" for c in calls)
    plan = extra.get("tool_plan") or ""
    return ChatReply(f"{text}{thought}{plan}{spoken}", finish, usage, completion)


def _said(content: Any) -> tuple[str, str]:
    if content is None:
        return "", ""
    if not isinstance(content, list):
        raise bad_reply("the content of the reply is no list")
    parts = [part for part in content if isinstance(part, dict)]
    return _joined(parts, "text"), _joined(parts, "thinking")


def _joined(parts: list[dict[str, Any]], kind: str) -> str:
    texts = [part.get(kind) for part in parts if part.get("type") == kind]
    return "".join(text for text in texts if isinstance(text, str))


def tool_call_read(call: Any) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name:
        raise bad_reply("a tool call of the reply has no name")
    arguments = function.get("arguments")
    return tool_call_make(
        str(call.get("id") or ""), name, arguments if isinstance(arguments, str) else ""
    )


def finish_of(reason: Any, error: Any = None) -> str:
    """Raises ProviderError where the model did not finish of its own."""
    if reason in _FAILURES:
        words = error if isinstance(error, str) and error else f"the model ended with {reason}"
        raise ProviderError(
            ProviderFailure(_FAILURES[reason], redact(words, ()), 200, unmasked=words)
        )
    if not isinstance(reason, str) or not reason:
        raise bad_reply("the reply does not say why it ended")
    return _FINISHES.get(reason, FINISH_STOP)


def embedding_parse(body: bytes) -> EmbeddingReply:
    """https://docs.cohere.com/reference/embed#response"""
    reply = reply_object(body)
    embeddings = reply.get("embeddings")
    vectors = embeddings.get("float") if isinstance(embeddings, dict) else None
    if not isinstance(vectors, list):
        raise bad_reply("the reply does not hold an embedding")
    return reply_of_vectors(vectors, usage_parse(reply).usage)


def usage_parse(reply: bytes | Mapping[str, Any]) -> UsageReport:
    """`usage` of chat, or `meta` of the rest: what is billed, where that is told, else what was
    read and written. Never raises."""
    if isinstance(reply, bytes):
        try:
            reply = reply_json(reply)
        except ProviderError:
            return NOT_REPORTED
    if not isinstance(reply, Mapping):
        return NOT_REPORTED
    told = reply.get("usage", reply.get("meta"))
    return usage_read(told)


def usage_read(told: Any) -> UsageReport:
    if told is None:
        return NOT_REPORTED
    if not isinstance(told, dict):
        return IMPOSSIBLE
    counts = _counts(told.get("billed_units")) or _counts(told.get("tokens"))
    if not counts:
        return NOT_REPORTED
    read, cached = counts.get("input_tokens") or 0, told.get("cached_tokens") or 0
    known = usage_make(read, counts.get("output_tokens") or 0).usage
    if known is None or type(cached) not in (int, float):
        return IMPOSSIBLE
    # The cache is counted in all that was read, of which not all is billed.
    return usage_make(known.input_tokens, known.output_tokens, min(cached, known.input_tokens))


def _counts(told: Any) -> dict[str, Any]:
    """Reranking bills searches, which are no tokens."""
    names = ("input_tokens", "output_tokens")
    found = told if isinstance(told, dict) else {}
    return {name: found[name] for name in names if found.get(name) is not None}


def event_decoded(data: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        event = None
    if not isinstance(event, dict):
        raise bad_reply("the stream holds what is not an event")
    return event
