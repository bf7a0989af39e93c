"""Hugging Face: feature extraction by its inference providers, or an endpoint of one's own.

https://huggingface.co/docs/inference-providers/tasks/feature-extraction. Chat goes over
the router's OpenAI API.
"""

from dataclasses import replace
from urllib.parse import quote

from llmhub.base.errors import InvalidRequest
from providers.protocols.failures import FailureKind
from providers.protocols.inputs import embedding_fields, texts_of
from providers.protocols.json_calls import bearer, json_post
from providers.protocols.openai.listing import models_parse
from providers.protocols.tei import EMBEDDING_NAMES, TEI
from providers.protocols.wire import (
    Headers,
    ListedModel,
    Payload,
    ProviderFailure,
    ProviderRequest,
    Target,
)

_ROUTER = "/hf-inference"


class HuggingFace(TEI):
    """Credentials: `api_key`. An address that does not end with `/hf-inference` is an endpoint of
    the tenant's own, which is Text Embeddings Inference."""

    name = "huggingface"

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        if not _is_router(target):
            return super().embedding_request(target, payload, model=model)
        fields, left_out = embedding_fields(payload, EMBEDDING_NAMES, has_purpose=False)
        url = f"{target.base_url}/models/{quote(model, safe='/')}/pipeline/feature-extraction"
        return json_post(target, url, {"inputs": texts_of(payload), **fields}, left_out)

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        if _is_router(target):
            message = "Hugging Face's router ranks nothing: give the address of your own endpoint."
            raise InvalidRequest(message, field="model")
        return super().rerank_request(target, payload, model=model)

    def models_request(self, target: Target) -> ProviderRequest:
        """The router lists the models for chat, beside the path for feature extraction."""
        if not _is_router(target):
            return super().models_request(target)
        url = f"{target.base_url.removesuffix(_ROUTER)}/v1/models"
        return ProviderRequest("GET", url, bearer(target))

    def models_reply(self, body: bytes) -> list[ListedModel]:
        return models_parse(body) if b'"model_id"' not in body else super().models_reply(body)

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        """The router limits by the hour with 429; a queue of one's own endpoint is full with it."""
        failure = super().failure_of(status, headers, body)
        if status == 429 and "overloaded" not in failure.message.lower():
            return replace(failure, kind=FailureKind.RATE_LIMITED)
        return failure


def _is_router(target: Target) -> bool:
    return target.base_url.endswith(_ROUTER)
