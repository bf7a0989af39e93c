"""Reads whole replies of OpenAI's dialect, strictly: HTTP 200 alone proves nothing."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from providers.protocols.failures import ProviderError, bad_reply
from providers.protocols.openai.errors import failure_in_stream, is_error
from providers.protocols.usage import (
    NOT_REPORTED,
    Usage,
    UsageReport,
    duration_read,
    usage_read,
)
from providers.protocols.wire import (
    ChatReply,
    EmbeddingReply,
    Headers,
    ImageReply,
    ModerationReply,
    RerankReply,
)


def chat_parse(body: bytes) -> ChatReply:
    """https://platform.openai.com/docs/api-reference/chat/object"""
    reply = reply_object(body)
    choice = _first(reply.get("choices"), "a choice")
    message = choice.get("message")
    if not isinstance(message, dict):
        raise bad_reply("the reply's choice has no message")
    finish_reason = str(choice.get("finish_reason") or "")
    return ChatReply(message_text(message), finish_reason, usage_parse(reply).usage, reply)


def completion_parse(body: bytes) -> ChatReply:
    """https://platform.openai.com/docs/api-reference/completions/object"""
    reply = reply_object(body)
    choice = _first(reply.get("choices"), "a choice")
    texts = [choice.get("text") for choice in reply["choices"] if isinstance(choice, Mapping)]
    if not all(isinstance(text, str) for text in texts):
        raise bad_reply("the reply's choice has no text")
    finish_reason = str(choice.get("finish_reason") or "")
    return ChatReply("".join(map(str, texts)), finish_reason, usage_parse(reply).usage)


def message_text(message: Mapping[str, Any]) -> str:
    """All that was generated in a message, or in a stream's delta: words, reasoning, tool calls."""
    names = ("content", "reasoning_content", "reasoning", "refusal")
    texts = [message[name] for name in names if isinstance(message.get(name), str)]
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        texts += [text for call in calls for text in _call_texts(call)]
    return "".join(texts)


def _call_texts(call: Any) -> list[str]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return []
    return [text for text in function.values() if isinstance(text, str)]


def embedding_parse(body: bytes) -> EmbeddingReply:
    """https://platform.openai.com/docs/api-reference/embeddings/object; float encoding."""
    reply = reply_object(body)
    _first(reply.get("data"), "an embedding")
    vectors = tuple(_vector(item) for item in reply["data"])
    if len({len(vector) for vector in vectors}) != 1:
        raise bad_reply("the embeddings of the reply differ in length")
    return EmbeddingReply(vectors, usage_parse(reply).usage)


def _vector(item: Any) -> list[float]:
    vector = item.get("embedding") if isinstance(item, dict) else None
    if not isinstance(vector, list) or not vector or not all(_is_number(x) for x in vector):
        raise bad_reply("the reply's embedding is not a list of numbers")
    return vector


def rerank_parse(body: bytes) -> RerankReply:
    """`results` of index and relevance_score (Jina, Cohere), `data` (Voyage), a list (TEI)."""
    reply = reply_json(body)
    if isinstance(reply, list):
        return RerankReply(_scores(reply), None)
    reply = reply_object(body)
    results = reply.get("results", reply.get("data"))
    return RerankReply(_scores(results), usage_parse(reply).usage)


def _scores(results: Any) -> dict[int, float]:
    _first(results, "a ranked document")
    scores = dict(_score(item) for item in results)
    if len(scores) != len(results):
        raise bad_reply("the ranking names a document twice")
    return scores


def _score(item: Any) -> tuple[int, float]:
    values: dict[str, Any] = item if isinstance(item, dict) else {}
    index = values.get("index")
    score: Any = values.get("relevance_score", values.get("score"))
    if type(index) is not int or index < 0 or not _is_number(score):
        raise bad_reply("a ranked document of the reply has no index and score")
    return index, float(score)


def speech_parse(headers: Headers, body: bytes) -> bytes:
    """The audio. Servers answer errors with 200 and JSON or a page, so the content is looked at."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("application/json", "text/html") or body[:1] in (b"{", b"<"):
        if body[:1] == b"{":
            reply_object(body)
        raise bad_reply("the reply is text and not audio")
    if not body:
        raise bad_reply("the reply holds no audio")
    return body


def transcription_parse(body: bytes) -> str:
    """https://platform.openai.com/docs/api-reference/audio/json-object; silence gives no text."""
    text = reply_object(body).get("text")
    if not isinstance(text, str):
        raise bad_reply("the reply holds no text")
    return text


def image_parse(body: bytes) -> ImageReply:
    """https://platform.openai.com/docs/api-reference/images/object"""
    reply = reply_object(body)
    _first(reply.get("data"), "a picture")
    images = tuple(item for item in reply["data"] if _is_image(item))
    if len(images) != len(reply["data"]):
        raise bad_reply("a picture of the reply has neither b64_json nor url")
    return ImageReply(images, replace(usage_parse(reply).usage or Usage(), images=len(images)))


def _is_image(item: Any) -> bool:
    return isinstance(item, dict) and any(
        isinstance(item.get(name), str) for name in ("b64_json", "url")
    )


def moderation_parse(body: bytes) -> ModerationReply:
    """https://platform.openai.com/docs/api-reference/moderations/object"""
    reply = reply_object(body)
    _first(reply.get("results"), "a judgement")
    results = tuple(r for r in reply["results"] if isinstance(r, dict) and "flagged" in r)
    if len(results) != len(reply["results"]):
        raise bad_reply("a judgement of the reply does not say whether it is flagged")
    return ModerationReply(results, usage_parse(reply).usage)


def usage_parse(reply: bytes | dict[str, Any]) -> UsageReport:
    """`usage`, Cohere's `meta.tokens`, or a transcript's `duration`.

    Never raises: what does not parse reports none.
    """
    if isinstance(reply, bytes):
        try:
            reply = orjson.loads(reply)
        except orjson.JSONDecodeError:
            return NOT_REPORTED
    if not isinstance(reply, dict):
        return NOT_REPORTED
    if reply.get("usage") is not None:
        return usage_read(reply["usage"])
    if "duration" in reply:
        return duration_read(reply["duration"])
    meta = reply.get("meta")
    return usage_read(meta.get("tokens")) if isinstance(meta, dict) else NOT_REPORTED


def reply_json(body: bytes) -> Any:
    """The decoded body; ProviderError (bad_reply) where it is not JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        what = "a web page" if body.lstrip()[:1] == b"<" else "not JSON"
        raise bad_reply(f"the reply is {what}" if body else "the reply is empty") from None


def reply_object(body: bytes) -> dict[str, Any]:
    """The decoded body as an object; an error that came with HTTP 200 is raised as what it is."""
    reply = reply_json(body)
    if not isinstance(reply, dict):
        raise bad_reply("the reply is not an object")
    if is_error(reply):
        raise ProviderError(failure_in_stream(reply))
    return reply


def _first(items: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(items, list) or not items or not isinstance(items[0], Mapping):
        raise bad_reply(f"the reply does not hold {what}")
    return items[0]


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
