"""Text Embeddings Inference, the server. https://huggingface.github.io/text-embeddings-inference"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llmhub.base.model_types import ModelType
from providers.protocols.failures import FailureKind, ProviderError, bad_reply
from providers.protocols.foreign import Foreign
from providers.protocols.inputs import (
    documents_of,
    embedding_fields,
    query_of,
    rerank_fields,
    texts_of,
)
from providers.protocols.json_calls import bearer, json_post
from providers.protocols.openai.errors import failure_in_stream
from providers.protocols.openai.listing import MAX_CONTEXT_TOKENS, MAX_NAME_LENGTH
from providers.protocols.openai.replies import reply_json, reply_object, rerank_parse
from providers.protocols.vectors import reply_of_vectors
from providers.protocols.wire import (
    EmbeddingReply,
    Headers,
    ListedModel,
    Payload,
    ProviderFailure,
    ProviderRequest,
    RerankReply,
    Target,
)

EMBEDDING_NAMES = {name: name for name in ("dimensions", "truncate", "normalize", "prompt_name")}
_RERANK_NAMES = {name: name for name in ("truncate", "raw_scores", "truncation_direction")}
_TYPES = {"embedding": ModelType.EMBEDDING, "reranker": ModelType.RERANK}
_KINDS = {413: FailureKind.BAD_REQUEST, 424: FailureKind.OVERLOADED, 429: FailureKind.OVERLOADED}
"""A batch too large, a model that failed at its work, a full queue."""


class TEI(Foreign):
    """Credentials: `api_key`, where the server or something before it asks for one.

    A server has one model, so its name goes nowhere; it reports no usage.
    """

    name = "tei"
    serves = frozenset({ModelType.EMBEDDING, ModelType.RERANK})

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        fields, left_out = embedding_fields(payload, EMBEDDING_NAMES, has_purpose=False)
        body = {"inputs": texts_of(payload), **fields}
        return json_post(target, f"{target.base_url}/embed", body, left_out)

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        fields, left_out = rerank_fields(payload, _RERANK_NAMES)
        body = {"query": query_of(payload), "texts": documents_of(payload), **fields}
        return json_post(target, f"{target.base_url}/rerank", body, left_out)

    def models_request(self, target: Target) -> ProviderRequest:
        return ProviderRequest("GET", f"{target.base_url}/info", bearer(target))

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        reply = reply_json(body)
        if not isinstance(reply, list):
            raise _error_in(reply)
        return reply_of_vectors(reply, None)

    def rerank_reply(self, body: bytes) -> RerankReply:
        return rerank_parse(body)

    def models_reply(self, body: bytes) -> list[ListedModel]:
        info = reply_object(body)
        name, kind = info.get("model_id"), info.get("model_type")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_LENGTH:
            raise bad_reply("the reply does not tell the server's model")
        told = kind if isinstance(kind, Mapping) else {str(kind): None}
        types = frozenset(_TYPES[each] for each in told if each in _TYPES)
        length = info.get("max_input_length")
        is_length = type(length) is int and 0 < length <= MAX_CONTEXT_TOKENS
        return [ListedModel(name, types, length if is_length else None)]

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        failure = super().failure_of(status, headers, body)
        return replace(failure, kind=_KINDS.get(status, failure.kind))


def _error_in(reply: Any) -> ProviderError:
    if isinstance(reply, dict) and reply.get("error"):
        return ProviderError(failure_in_stream(reply))
    return bad_reply("the reply does not hold an embedding")
