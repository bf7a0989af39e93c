"""OpenAI's API as a WireProtocol: which request goes where, and who reads its reply."""

from collections.abc import Mapping
from typing import Any

import orjson

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.protocols.openai import replies
from providers.protocols.openai.errors import failure_classify
from providers.protocols.openai.events import EventStreamReader
from providers.protocols.openai.listing import models_parse
from providers.protocols.openai.multipart import multipart_encode
from providers.protocols.openai.responses import ResponsesStreamReader, response_parse
from providers.protocols.openai.stream import OpenAIChunkReader, OpenAIStreamReader
from providers.protocols.wire import (
    AudioFile,
    ChatReply,
    Dialect,
    EmbeddingReply,
    Headers,
    ImageReply,
    ListedModel,
    ModerationReply,
    Payload,
    ProviderFailure,
    ProviderRequest,
    RerankReply,
    StreamReader,
    Target,
    Usage,
    UsageReport,
)

_PATHS = {
    Dialect.CHAT: "/chat/completions",
    Dialect.COMPLETIONS: "/completions",
    Dialect.RESPONSES: "/responses",
}
_ALWAYS = frozenset({Dialect.CHAT, Dialect.COMPLETIONS})
_KNOWN = frozenset(_PATHS)


class OpenAI:
    name = "openai"
    serves = frozenset(ModelType)
    passes = frozenset(ModelType)
    version_path = "/v1"

    def speaks(self, target: Target) -> frozenset[Dialect]:
        return _ALWAYS | (target.dialects & _KNOWN) if target.dialects else _ALWAYS

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        """Streams are asked for their usage, which OpenAI leaves out unless told."""
        body = {**payload, "model": model}
        if body.get("stream") and dialect is not Dialect.RESPONSES:
            options = body.get("stream_options")
            known = options if isinstance(options, Mapping) else {}
            body["stream_options"] = {**known, "include_usage": True}
        return _post(target, _PATHS[dialect], body)

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        return _post(target, "/embeddings", {**payload, "model": model})

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        return _post(target, "/rerank", {**payload, "model": model})

    def speech_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        return _post(target, "/audio/speech", {**payload, "model": model})

    def transcription_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        return _upload(target, "/audio/transcriptions", {**payload, "model": model}, audio)

    def translation_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        return _upload(target, "/audio/translations", {**payload, "model": model}, audio)

    def image_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        return _post(target, "/images/generations", {**payload, "model": model})

    def moderation_request(
        self, target: Target, payload: Payload, *, model: str
    ) -> ProviderRequest:
        return _post(target, "/moderations", {**payload, "model": model})

    def models_request(self, target: Target) -> ProviderRequest:
        return ProviderRequest("GET", target.base_url + "/models", _headers(target, None))

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        if dialect is Dialect.RESPONSES:
            return response_parse(body)
        if dialect is Dialect.COMPLETIONS:
            return replies.completion_parse(body)
        return replies.chat_parse(body)

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        return replies.embedding_parse(body)

    def rerank_reply(self, body: bytes) -> RerankReply:
        return replies.rerank_parse(body)

    def speech_reply(self, headers: Headers, body: bytes) -> bytes:
        return replies.speech_parse(headers, body)

    def transcription_reply(self, body: bytes) -> str:
        return replies.transcription_parse(body)

    def image_reply(self, body: bytes) -> ImageReply:
        return replies.image_parse(body)

    def moderation_reply(self, body: bytes) -> ModerationReply:
        return replies.moderation_parse(body)

    def models_reply(self, body: bytes) -> list[ListedModel]:
        return models_parse(body)

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        return replies.usage_parse(reply)

    def usage_of(self, reply: bytes | dict[str, Any]) -> Usage | None:
        return replies.usage_parse(reply).usage

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        return failure_classify(status, headers, body)

    def stream_reader(self, dialect: Dialect, *, hide_usage: bool) -> StreamReader:
        if dialect is Dialect.RESPONSES:
            return ResponsesStreamReader()
        return OpenAIStreamReader(hide_usage=hide_usage)

    def chunk_reader(self) -> OpenAIChunkReader:
        return OpenAIChunkReader()

    def event_reader(self, known: Usage) -> EventStreamReader:
        return EventStreamReader(known)


def _post(target: Target, path: str, body: Payload) -> ProviderRequest:
    url = target.base_url + path
    return ProviderRequest("POST", url, _headers(target, "application/json"), orjson.dumps(body))


def _upload(target: Target, path: str, fields: Payload, audio: AudioFile) -> ProviderRequest:
    content_type, body = multipart_encode(fields, audio)
    return ProviderRequest("POST", target.base_url + path, _headers(target, content_type), body)


def _headers(target: Target, content_type: str | None) -> dict[str, str | Secret]:
    headers: dict[str, str | Secret] = {"content-type": content_type} if content_type else {}
    key = target.credentials.get("api_key")
    if key:
        secret = key if isinstance(key, Secret) else Secret(key)
        headers["authorization"] = secret.prefixed("Bearer ")
    return headers
