"""Voyage AI's API: embeddings and reranking. https://docs.voyageai.com/reference"""

from llmhub.base.errors import InvalidRequest
from llmhub.base.model_types import ModelType
from providers.protocols.foreign import Foreign
from providers.protocols.inputs import (
    documents_of,
    embedding_fields,
    purpose_of,
    query_of,
    rerank_fields,
    texts_of,
)
from providers.protocols.json_calls import json_post
from providers.protocols.openai.replies import embedding_parse, rerank_parse
from providers.protocols.wire import EmbeddingReply, Payload, ProviderRequest, RerankReply, Target

_EMBEDDING_NAMES = {"dimensions": "output_dimension", "truncation": "truncation"}
_RERANK_NAMES = {"top_n": "top_k", "truncation": "truncation"}
_OTHER_PATHS = ("voyage-multimodal", "voyage-context")


class Voyage(Foreign):
    """Credentials: `api_key`. Voyage AI lists no models."""

    name = "voyage"
    serves = frozenset({ModelType.EMBEDDING, ModelType.RERANK})
    version_path = "/v1"

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        """Without an `input_type` Voyage embeds a text as it is, for no search."""
        if model.startswith(_OTHER_PATHS):
            message = f"{model} takes what an embeddings call cannot say: choose a text model."
            raise InvalidRequest(message, field="model")
        fields, left_out = embedding_fields(payload, _EMBEDDING_NAMES)
        if payload.get("input_type") is not None:
            fields["input_type"] = purpose_of(payload, query="query", document="document")
        body = {"model": model, "input": texts_of(payload), **fields}
        return json_post(target, f"{target.base_url}/embeddings", body, left_out)

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        fields, left_out = rerank_fields(payload, _RERANK_NAMES)
        asked = {"model": model, "query": query_of(payload), "documents": documents_of(payload)}
        return json_post(target, f"{target.base_url}/rerank", {**asked, **fields}, left_out)

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        return embedding_parse(body)

    def rerank_reply(self, body: bytes) -> RerankReply:
        return rerank_parse(body)
