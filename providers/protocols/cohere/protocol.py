"""Cohere's API as a WireProtocol: which request goes where, and who reads its reply."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from llmhub.base.model_types import ModelType
from providers.protocols.cohere.listing import PAGE_SIZE, models_parse, next_page_of
from providers.protocols.cohere.replies import chat_parse, embedding_parse, usage_parse
from providers.protocols.cohere.request import chat_body
from providers.protocols.cohere.stream import CohereChunkReader
from providers.protocols.failures import FailureKind
from providers.protocols.foreign import Foreign
from providers.protocols.inputs import (
    documents_of,
    embedding_fields,
    purpose_of,
    query_of,
    rerank_fields,
    texts_of,
)
from providers.protocols.json_calls import bearer, json_post
from providers.protocols.openai.multipart import multipart_encode
from providers.protocols.openai.replies import rerank_parse, transcription_parse
from providers.protocols.wire import (
    AudioFile,
    ChatReply,
    Dialect,
    EmbeddingReply,
    Headers,
    ListedModel,
    Payload,
    ProviderFailure,
    ProviderRequest,
    RerankReply,
    Target,
    UsageReport,
)

_VERSION = re.compile(r"/v[12]$")
_EMBEDDING_NAMES = {"dimensions": "output_dimension", "truncate": "truncate"}
_RERANK_NAMES = {"top_n": "top_n", "max_tokens_per_doc": "max_tokens_per_doc"}
_TRANSCRIPTION_FIELDS = frozenset({"model", "language", "temperature"})
_INVALID_TOKEN = 498
"""https://docs.cohere.com/reference/errors"""


class Cohere(Foreign):
    """Credentials: `api_key`."""

    name = "cohere"
    serves = frozenset(
        {
            ModelType.CHAT,
            ModelType.EMBEDDING,
            ModelType.RERANK,
            ModelType.IMAGE2TEXT,
            ModelType.SPEECH2TEXT,
        }
    )

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        body, left_out = chat_body(payload, model)
        return json_post(target, _v2(target, "/chat"), body, left_out)

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        """Cohere wants to know what for; where the caller does not say, texts are to be found."""
        fields, left_out = embedding_fields(payload, _EMBEDDING_NAMES)
        purpose = purpose_of(payload, query="search_query", document="search_document")
        asked = {"model": model, "texts": texts_of(payload), "input_type": purpose}
        body = {**asked, "embedding_types": ["float"], **fields}
        return json_post(target, _v2(target, "/embed"), body, left_out)

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        """Servers of others serve this path below an address that names its version already."""
        fields, left_out = rerank_fields(payload, _RERANK_NAMES)
        asked = {"model": model, "query": query_of(payload), "documents": documents_of(payload)}
        is_named = _VERSION.search(target.base_url)
        url = target.base_url + "/rerank" if is_named else _v2(target, "/rerank")
        return json_post(target, url, {**asked, **fields}, left_out)

    def transcription_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        asked = {**payload, "model": model}
        fields = {name: asked[name] for name in asked if name in _TRANSCRIPTION_FIELDS}
        left_out = tuple(n for n in payload if n not in (*fields, "response_format"))
        content_type, body = multipart_encode(fields, audio)
        headers = {"content-type": content_type, **bearer(target)}
        url = _v2(target, "/audio/transcriptions")
        return ProviderRequest("POST", url, headers, body, left_out)

    def models_request(self, target: Target) -> ProviderRequest:
        url = f"{_root(target)}/v1/models?page_size={PAGE_SIZE}"
        return ProviderRequest("GET", url, bearer(target))

    def models_next(self, target: Target, body: bytes) -> ProviderRequest | None:
        token = next_page_of(body)
        if not token:
            return None
        first = self.models_request(target)
        return replace(first, url=f"{first.url}&page_token={quote(token, safe='')}")

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        return chat_parse(body)

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        return embedding_parse(body)

    def rerank_reply(self, body: bytes) -> RerankReply:
        """Cohere bills searches, so there are no tokens to be had from it."""
        return replace(rerank_parse(body), usage=usage_parse(body).usage)

    def transcription_reply(self, body: bytes) -> str:
        return transcription_parse(body)

    def models_reply(self, body: bytes) -> list[ListedModel]:
        return models_parse(body)

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        return usage_parse(reply)

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        failure = super().failure_of(status, headers, body)
        return replace(failure, kind=_kind(status, failure))

    def chunk_reader(self) -> CohereChunkReader:
        return CohereChunkReader()


def _kind(status: int, failure: ProviderFailure) -> FailureKind:
    """A trial key is limited by the minute, and by the month: that one does not come back soon."""
    if status == _INVALID_TOKEN:
        return FailureKind.INVALID_KEY
    if status == 429 and re.search(r"calls\s*/\s*month|per month", failure.message):
        return FailureKind.OUT_OF_QUOTA
    return failure.kind


def _root(target: Target) -> str:
    return _VERSION.sub("", target.base_url)


def _v2(target: Target, path: str) -> str:
    return f"{_root(target)}/v2{path}"
