"""Ollama's own API as a WireProtocol: which request goes where, and who reads its reply."""

import re
from typing import Any

from llmhub.base.model_types import ModelType
from providers.protocols.foreign import Foreign
from providers.protocols.inputs import embedding_fields, texts_of
from providers.protocols.json_calls import bearer, json_post
from providers.protocols.ollama.listing import models_parse
from providers.protocols.ollama.replies import (
    OllamaChunkReader,
    chat_parse,
    embedding_parse,
    usage_parse,
)
from providers.protocols.ollama.request import chat_body
from providers.protocols.wire import (
    ChatReply,
    Dialect,
    EmbeddingReply,
    ListedModel,
    Payload,
    ProviderRequest,
    Target,
    UsageReport,
)

_SURFACE = re.compile(r"/(?:v1|api)$")
_EMBEDDING_NAMES = {name: name for name in ("dimensions", "truncate", "keep_alive", "options")}


class Ollama(Foreign):
    """Credentials: `api_key`, where something before the server asks for one.

    The address may be the server's, or that of one of its two surfaces, `/api` and `/v1`.
    """

    name = "ollama"
    serves = frozenset({ModelType.CHAT, ModelType.EMBEDDING, ModelType.IMAGE2TEXT})

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        body, left_out = chat_body(payload, model)
        return json_post(target, _url(target, "/chat"), body, left_out)

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        fields, left_out = embedding_fields(payload, _EMBEDDING_NAMES, has_purpose=False)
        body = {"model": model, "input": texts_of(payload), **fields}
        return json_post(target, _url(target, "/embed"), body, left_out)

    def models_request(self, target: Target) -> ProviderRequest:
        return ProviderRequest("GET", _url(target, "/tags"), bearer(target))

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        return chat_parse(body)

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        return embedding_parse(body)

    def models_reply(self, body: bytes) -> list[ListedModel]:
        return models_parse(body)

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        return usage_parse(reply)

    def chunk_reader(self) -> OllamaChunkReader:
        return OllamaChunkReader()


def _url(target: Target, path: str) -> str:
    return f"{_SURFACE.sub('', target.base_url)}/api{path}"
