"""XunFei's Spark over HTTP: OpenAI's API, with failures told by a code and calls told singly.

https://www.xfyun.cn/doc/spark/HTTP%E8%B0%83%E7%94%A8%E6%96%87%E6%A1%A3.html

XunFei's speech goes over WebSocket alone, which the hub's transport does not speak: it is not
served.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from llmhub.base.errors import NotSupported
from llmhub.base.model_types import ModelType
from llmhub.base.redact import redact
from providers.protocols.chat.answer import (
    FINISH_STOP,
    FINISH_TOOLS,
    ChunkWriter,
    completion_make,
    new_id,
)
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure, bad_reply
from providers.protocols.openai.errors import failure_in_stream
from providers.protocols.openai.kin import OpenAIKin
from providers.protocols.openai.kin_stream import KinChunkReader
from providers.protocols.openai.replies import message_text, reply_json, usage_parse
from providers.protocols.openai.stream import OpenAIStreamReader
from providers.protocols.sse import Event
from providers.protocols.wire import (
    ChatReply,
    Dialect,
    Headers,
    Payload,
    ProviderRequest,
    Target,
)

# The same page has the codes.
_KINDS = {
    10007: FailureKind.RATE_LIMITED,
    10008: FailureKind.OVERLOADED,
    10010: FailureKind.OVERLOADED,
    10013: FailureKind.CONTENT_REFUSED,
    10014: FailureKind.CONTENT_REFUSED,
    10019: FailureKind.CONTENT_REFUSED,
    10110: FailureKind.OVERLOADED,
    10404: FailureKind.NO_SUCH_MODEL,
    11200: FailureKind.INVALID_KEY,
    11201: FailureKind.OUT_OF_QUOTA,
    11202: FailureKind.RATE_LIMITED,
    11203: FailureKind.RATE_LIMITED,
}


class XunFeiSpark(OpenAIKin):
    """Credentials: `spark_api_password`."""

    name = "xunfei-spark"
    serves = frozenset({ModelType.CHAT})
    passes: frozenset[ModelType] = frozenset()

    def speaks(self, target: Target) -> frozenset[Dialect]:
        return frozenset()

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        """`stream_options` is not known there: the usage comes of itself. The name that
        `max_tokens` has today is not known either."""
        asked = {name: value for name, value in payload.items() if name != "stream_options"}
        newer = asked.pop("max_completion_tokens", None)
        if newer is not None:
            asked["max_tokens"] = newer
        request = super().chat_request(_keyed(target), asked, model=model)
        return replace(request, body=orjson.dumps({**asked, "model": model}))

    def speech_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        raise NotSupported("XunFei's speech goes over WebSocket, which is not supported yet.")

    def models_request(self, target: Target) -> ProviderRequest:
        raise NotSupported("There is no list of models over xunfei-spark.")

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        reply = reply_json(body)
        if not isinstance(reply, dict):
            raise bad_reply("the reply is not an object")
        failure = _failure_in(reply)
        if failure is not None:
            raise ProviderError(failure)
        choices = reply.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(first, dict) or not isinstance(first.get("message"), dict):
            raise bad_reply("the reply does not hold a choice with a message")
        _told(first["message"])
        has_called = bool(first["message"].get("tool_calls"))
        first["finish_reason"] = first.get("finish_reason") or (
            FINISH_TOOLS if has_called else FINISH_STOP
        )
        text, usage = message_text(first["message"]), usage_parse(reply).usage
        completion = completion_make([first], usage, reply_id=str(reply.get("sid") or ""))
        return ChatReply(text, first["finish_reason"], usage, completion)

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        failure = super().failure_of(status, headers, body)
        try:
            told = _failure_in(reply_json(body))
        except ProviderError:
            return failure
        if told is None or told.kind is FailureKind.BAD_REPLY:
            return failure
        return replace(told, http_status=status, retry_after_s=failure.retry_after_s)

    def stream_reader(self, dialect: Dialect, *, hide_usage: bool) -> OpenAIStreamReader:
        raise NotSupported("xunfei-spark speaks no dialect of a caller.")

    def chunk_reader(self) -> "SparkChunkReader":
        return SparkChunkReader()


class SparkChunkReader(KinChunkReader):
    """Done with the end marker alone: no choice says why it ended, so the reason is given here."""

    __slots__ = ("_has_called", "_is_closed", "_writer")

    def __init__(self) -> None:
        super().__init__()
        self._has_called = False
        self._is_closed = False
        self._writer = ChunkWriter()

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        given = super().feed(chunk)
        if self.has_end_marker and not self._is_closed and self._failure is None:
            self._is_closed = True
            finish = FINISH_TOOLS if self._has_called else FINISH_STOP
            given.append(self._writer.chunk({}, finish))
        return given

    def _read(self, event: Event, data: bytes) -> bool:
        is_for_caller = super()._read(event, data)
        self._failure = _failure_in(self._chunk) or self._failure
        if self._chunk is not None:
            self._writer.begin(str(self._chunk.get("sid") or ""))
            told = {n: v for n, v in self._chunk.items() if n not in ("code", "message", "sid")}
            self._chunk = {**told, "id": self._chunk.get("sid"), "model": ""}
        return is_for_caller and self._failure is None

    def _put(self, choice: dict[str, Any], delta: dict[str, Any]) -> None:
        choice.setdefault("finish_reason", None)
        _told(delta)
        self._has_called = self._has_called or bool(delta.get("tool_calls"))


def _told(message: dict[str, Any]) -> None:
    """Older models give one call where a list of calls stands elsewhere."""
    calls = message.get("tool_calls")
    if isinstance(calls, dict):
        calls = [calls]
    if not isinstance(calls, list):
        return
    message["tool_calls"] = [
        {"index": i, **call, "id": call.get("id") or new_id("call_"), "type": "function"}
        for i, call in enumerate(calls)
        if isinstance(call, dict)
    ]


def _keyed(target: Target) -> Target:
    key = target.credentials.get("spark_api_password")
    if not key:
        return target
    return replace(target, credentials={**target.credentials, "api_key": key})


def _failure_in(reply: Any) -> ProviderFailure | None:
    """`code` and `message`, or an `error` that has them; 0 is success."""
    if not isinstance(reply, Mapping):
        return None
    error = reply.get("error")
    told = error if isinstance(error, Mapping) else reply
    try:
        code = int(told.get("code") or 0)
    except (TypeError, ValueError):
        code = 0
    if code == 0:
        return failure_in_stream(reply) if error else None
    words = str(told.get("message") or f"Spark answered with code {code}.")
    kind = _KINDS.get(code, FailureKind.BAD_REQUEST)
    return ProviderFailure(kind, redact(words, ()), 200, unmasked=words)
