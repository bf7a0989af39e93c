"""MiniMax: OpenAI's API for chat, with failures told in a field of their own, and speech.

https://platform.minimax.io/docs/api-reference
"""

import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from llmhub.base.errors import InvalidRequest
from llmhub.base.model_types import ModelType
from llmhub.base.redact import redact
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure, bad_reply
from providers.protocols.json_calls import json_post
from providers.protocols.openai.kin import OpenAIKin
from providers.protocols.openai.replies import reply_json, reply_object
from providers.protocols.openai.stream import OpenAIChunkReader, OpenAIStreamReader
from providers.protocols.sse import Event
from providers.protocols.wire import (
    ChatReply,
    Dialect,
    Headers,
    Payload,
    ProviderRequest,
    Target,
)

# https://platform.minimax.io/docs/api-reference/errorcode
_KINDS = {
    1000: FailureKind.OVERLOADED,
    1001: FailureKind.TIMEOUT,
    1002: FailureKind.RATE_LIMITED,
    1004: FailureKind.INVALID_KEY,
    1008: FailureKind.OUT_OF_QUOTA,
    1013: FailureKind.OVERLOADED,
    1024: FailureKind.OVERLOADED,
    1026: FailureKind.CONTENT_REFUSED,
    1027: FailureKind.CONTENT_REFUSED,
    1033: FailureKind.OVERLOADED,
    1039: FailureKind.RATE_LIMITED,
    1041: FailureKind.RATE_LIMITED,
    2013: FailureKind.BAD_REQUEST,
    2045: FailureKind.RATE_LIMITED,
    2049: FailureKind.INVALID_KEY,
    2056: FailureKind.OUT_OF_QUOTA,
}
_FORMATS = frozenset({"mp3", "wav", "flac", "pcm"})
_USUAL_VOICE = "male-qn-qingse"
_OPENAI_VOICES = frozenset(
    {"alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse"}
)
_SPEECH = frozenset({"model", "input", "voice", "response_format", "speed", "stream_format"})
_OWN = ("voice_setting", "audio_setting", "language_boost", "pronunciation_dict", "timbre_weights")


class MiniMax(OpenAIKin):
    """Credentials: `api_key`, and `group_id` for older accounts."""

    name = "minimax"
    serves = frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT, ModelType.TTS})
    passes: frozenset[ModelType] = frozenset()

    def speech_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        """https://platform.minimax.io/docs/api-reference/speech-t2a-http"""
        voice, left_out = _voice(payload)
        body = {
            "model": model,
            "text": payload.get("input"),
            "stream": False,
            "output_format": "hex",
            **{name: payload[name] for name in _OWN if payload.get(name) is not None},
        }
        body["voice_setting"] = {**voice, **(payload.get("voice_setting") or {})}
        body["audio_setting"] = {
            "format": _format(payload),
            **(payload.get("audio_setting") or {}),
        }
        left_out += tuple(name for name in payload if name not in (*_SPEECH, *_OWN))
        group = target.credentials.get("group_id")
        query = f"?GroupId={quote(group, safe='')}" if isinstance(group, str) and group else ""
        return json_post(target, f"{target.base_url}/t2a_v2{query}", body, left_out)

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        _require_success(reply_object(body))
        return super().chat_reply(body, dialect)

    def speech_reply(self, headers: Headers, body: bytes) -> bytes:
        reply = reply_object(body)
        _require_success(reply)
        data = reply.get("data")
        text = data.get("audio") if isinstance(data, dict) else None
        try:
            audio = bytes.fromhex(text) if isinstance(text, str) else b""
        except (ValueError, binascii.Error):
            audio = b""
        if not audio:
            raise bad_reply("the reply holds no audio")
        return audio

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        failure = super().failure_of(status, headers, body)
        try:
            told = _failure_in(reply_json(body))
        except ProviderError:
            return failure
        if told is None:
            return failure
        return replace(told, http_status=status, retry_after_s=failure.retry_after_s)

    def stream_reader(self, dialect: Dialect, *, hide_usage: bool) -> "MiniMaxStreamReader":
        return MiniMaxStreamReader(hide_usage=hide_usage)

    def chunk_reader(self) -> "MiniMaxChunkReader":
        return MiniMaxChunkReader()


class MiniMaxStreamReader(OpenAIStreamReader):
    __slots__ = ()

    def _read(self, event: Event, data: bytes) -> bool:
        is_for_caller = super()._read(event, data)
        self._failure = self._failure or _failure_in(self._chunk)
        return is_for_caller and self._failure is None


class MiniMaxChunkReader(OpenAIChunkReader):
    __slots__ = ()

    def _read(self, event: Event, data: bytes) -> bool:
        is_for_caller = super()._read(event, data)
        self._failure = self._failure or _failure_in(self._chunk)
        return is_for_caller and self._failure is None


def _require_success(reply: Mapping[str, Any]) -> None:
    failure = _failure_in(reply)
    if failure is not None:
        raise ProviderError(failure)


def _failure_in(reply: Any) -> ProviderFailure | None:
    """What `base_resp` says, where that is not success; it comes with HTTP 200."""
    told = reply.get("base_resp") if isinstance(reply, Mapping) else None
    code = told.get("status_code") if isinstance(told, Mapping) else None
    if not isinstance(told, Mapping) or type(code) is not int or code == 0:
        return None
    words = str(told.get("status_msg") or f"MiniMax answered with code {code}.")
    kind = _KINDS.get(code, FailureKind.BAD_REQUEST)
    return ProviderFailure(kind, redact(words, ()), 200, unmasked=words)


def _voice(payload: Payload) -> tuple[dict[str, Any], tuple[str, ...]]:
    """OpenAI's voices are none of MiniMax's: one that is usual there speaks in their place."""
    asked = payload.get("voice")
    is_known = isinstance(asked, str) and asked not in _OPENAI_VOICES
    setting: dict[str, Any] = {"voice_id": asked if is_known else _USUAL_VOICE}
    if payload.get("speed") is not None:
        setting["speed"] = payload["speed"]
    return setting, () if is_known or asked is None else ("voice",)


def _format(payload: Payload) -> str:
    wanted = payload.get("response_format") or "mp3"
    if wanted not in _FORMATS:
        raise InvalidRequest("This provider speaks mp3, wav, flac or pcm.", field="response_format")
    return str(wanted)
