"""Jina's API: embeddings and reranking. https://api.jina.ai/redoc"""

from llmhub.base.model_types import ModelType
from providers.protocols.foreign import Foreign
from providers.protocols.inputs import (
    embedding_fields,
    purpose_of,
    query_of,
    rerank_fields,
    texts_of,
)
from providers.protocols.json_calls import bearer, json_post
from providers.protocols.openai.listing import models_parse
from providers.protocols.openai.replies import embedding_parse, rerank_parse
from providers.protocols.wire import (
    EmbeddingReply,
    ListedModel,
    Payload,
    ProviderRequest,
    RerankReply,
    Target,
)

_EMBEDDING_NAMES = {
    name: name for name in ("dimensions", "task", "normalized", "truncate", "late_chunking")
}
_RERANK_NAMES = {"top_n": "top_n", "truncation": "truncation"}


class Jina(Foreign):
    """Credentials: `api_key`."""

    name = "jina"
    serves = frozenset({ModelType.EMBEDDING, ModelType.RERANK})
    version_path = "/v1"

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        """`input_type` says in general what Jina's own `task` says; the latter counts more."""
        fields, left_out = embedding_fields(payload, _EMBEDDING_NAMES)
        if payload.get("input_type") is not None:
            purpose = purpose_of(payload, query="retrieval.query", document="retrieval.passage")
            fields = {"task": purpose, **fields}
        asked = {"model": model, "input": texts_of(payload), "embedding_type": "float"}
        return json_post(target, f"{target.base_url}/embeddings", {**asked, **fields}, left_out)

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        fields, left_out = rerank_fields(payload, _RERANK_NAMES)
        documents = payload.get("documents")
        asked = {"model": model, "query": query_of(payload), "documents": documents}
        body = {**asked, "return_documents": False, **fields}
        return json_post(target, f"{target.base_url}/rerank", body, left_out)

    def models_request(self, target: Target) -> ProviderRequest:
        return ProviderRequest("GET", f"{target.base_url}/models", bearer(target))

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        return embedding_parse(body)

    def rerank_reply(self, body: bytes) -> RerankReply:
        return rerank_parse(body)

    def models_reply(self, body: bytes) -> list[ListedModel]:
        return models_parse(body)
