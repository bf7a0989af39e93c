"""Volcano Engine's Ark: OpenAI's API, with models that may be endpoints of one's own.

https://www.volcengine.com/docs/82379/1298454
"""

from dataclasses import replace

from llmhub.base.model_types import ModelType
from providers.protocols.openai.kin import OpenAIKin
from providers.protocols.wire import Dialect, Payload, ProviderRequest, Target


class Ark(OpenAIKin):
    """Credentials: `ark_api_key`, and `endpoint_id` where all calls go to one endpoint."""

    name = "ark"
    serves = frozenset({ModelType.CHAT, ModelType.EMBEDDING, ModelType.IMAGE2TEXT, ModelType.IMAGE})
    passes = serves
    version_path = "/api/v3"

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        return super().chat_request(_keyed(target), payload, model=_named(target, model))

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        return super().embedding_request(_keyed(target), payload, model=_named(target, model))

    def image_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        return super().image_request(_keyed(target), payload, model=_named(target, model))

    def models_request(self, target: Target) -> ProviderRequest:
        return super().models_request(_keyed(target))


def _keyed(target: Target) -> Target:
    """With the key where OpenAI's protocol looks for it."""
    key = target.credentials.get("ark_api_key")
    if not key:
        return target
    return replace(target, credentials={**target.credentials, "api_key": key})


def _named(target: Target, model: str) -> str:
    endpoint = target.credentials.get("endpoint_id")
    return endpoint if isinstance(endpoint, str) and endpoint else model
