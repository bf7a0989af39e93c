"""Gemini's API as a WireProtocol: which request goes where, and who reads its reply."""

from typing import Any
from urllib.parse import quote

import orjson

from llmhub.base.errors import NotSupported
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.protocols.gemini.embeddings import embedding_body, embedding_parse
from providers.protocols.gemini.errors import failure_of_reply
from providers.protocols.gemini.listing import PAGE_SIZE, models_parse, next_page_of
from providers.protocols.gemini.replies import chat_parse, usage_parse
from providers.protocols.gemini.request import chat_body
from providers.protocols.gemini.stream import GeminiChunkReader
from providers.protocols.unserved import Unserved
from providers.protocols.wire import (
    ChatReply,
    Dialect,
    EmbeddingReply,
    Headers,
    ListedModel,
    Payload,
    ProviderFailure,
    ProviderRequest,
    StreamReader,
    Target,
    Usage,
    UsageReport,
)


class Gemini(Unserved):
    """Credentials: `api_key`."""

    name = "gemini"
    serves = frozenset({ModelType.CHAT, ModelType.EMBEDDING, ModelType.IMAGE2TEXT})
    passes: frozenset[ModelType] = frozenset()
    version_path = "/v1beta"

    def speaks(self, target: Target) -> frozenset[Dialect]:
        return frozenset()

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        body, left_out = chat_body(payload, model)
        method = "streamGenerateContent?alt=sse" if payload.get("stream") else "generateContent"
        return _post(target, f"/{_path(model)}:{method}", body, left_out)

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        path = _path(model)
        body, left_out = embedding_body(payload, path)
        return _post(target, f"/{path}:batchEmbedContents", body, left_out)

    def models_request(self, target: Target) -> ProviderRequest:
        url = f"{target.base_url}/models?pageSize={PAGE_SIZE}"
        return ProviderRequest("GET", url, _key(target))

    def models_next(self, target: Target, body: bytes) -> ProviderRequest | None:
        token = next_page_of(body)
        if not token:
            return None
        first = self.models_request(target)
        return ProviderRequest(
            "GET", f"{first.url}&pageToken={quote(token, safe='')}", first.headers
        )

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        return chat_parse(body)

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        return embedding_parse(body)

    def models_reply(self, body: bytes) -> list[ListedModel]:
        return models_parse(body)

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        return usage_parse(reply)

    def usage_of(self, reply: bytes | dict[str, Any]) -> Usage | None:
        return usage_parse(reply).usage

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        return failure_of_reply(status, headers, body)

    def stream_reader(self, dialect: Dialect, *, hide_usage: bool) -> StreamReader:
        raise NotSupported("Gemini speaks no dialect of a caller.")

    def chunk_reader(self) -> GeminiChunkReader:
        return GeminiChunkReader()


def _path(model: str) -> str:
    """`models/NAME`, unless the name says which collection it is of, as tuned models do."""
    return quote(model if "/" in model else f"models/{model}", safe="/")


def _post(target: Target, path: str, body: Any, left_out: tuple[str, ...]) -> ProviderRequest:
    headers = {"content-type": "application/json", **_key(target)}
    return ProviderRequest("POST", target.base_url + path, headers, orjson.dumps(body), left_out)


def _key(target: Target) -> dict[str, str | Secret]:
    key = target.credentials.get("api_key")
    if not key:
        return {}
    return {"x-goog-api-key": key if isinstance(key, Secret) else Secret(key)}
