"""Azure's OpenAI as a WireProtocol: OpenAI's, with the addresses, the key and the list replaced."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from llmhub.base.errors import NotSupported
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.protocols.azure_openai.address import Resource
from providers.protocols.failures import bad_reply
from providers.protocols.openai.listing import MAX_MODELS, model_types_of
from providers.protocols.openai.protocol import OpenAI
from providers.protocols.openai.replies import reply_object
from providers.protocols.wire import (
    AudioFile,
    Dialect,
    ListedModel,
    Payload,
    ProviderRequest,
    Target,
)

_NOWHERE = Target("")
"""OpenAI's requests are made for this target: their URLs are the bare paths, and no key is in."""


class AzureOpenAI(OpenAI):
    """The model's name is the deployment's.

    Credentials: `api_key`, and `api_version`, either dated or one of v1, latest and preview.
    """

    name = "azure-openai"
    serves = frozenset(
        {
            ModelType.CHAT,
            ModelType.EMBEDDING,
            ModelType.IMAGE2TEXT,
            ModelType.SPEECH2TEXT,
            ModelType.TTS,
        }
    )
    passes = serves
    version_path = ""

    def speaks(self, target: Target) -> frozenset[Dialect]:
        return frozenset({Dialect.CHAT})

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        """A version that does not know `stream_options` is not asked for the stream's usage."""
        request = super().chat_request(_NOWHERE, payload, model=model)
        if payload.get("stream") and not Resource.of(target).knows_stream_options:
            request = _without_stream_options(request, payload, model)
        return _addressed(request, target, model)

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        request = super().embedding_request(_NOWHERE, payload, model=model)
        return _addressed(request, target, model)

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        raise NotSupported(f"There is no reranking over {self.name}.")

    def speech_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        return _addressed(super().speech_request(_NOWHERE, payload, model=model), target, model)

    def transcription_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        request = super().transcription_request(_NOWHERE, payload, audio, model=model)
        return _addressed(request, target, model)

    def models_request(self, target: Target) -> ProviderRequest:
        """The deployments: Azure's list of models names what could be deployed, not what is."""
        return ProviderRequest("GET", Resource.of(target).listing_url, _key(target))

    def models_reply(self, body: bytes) -> list[ListedModel]:
        items = reply_object(body).get("data")
        if not isinstance(items, list):
            raise bad_reply("the reply does not list deployments")
        return [_listed(item) for item in items[:MAX_MODELS] if _is_deployed(item)]


def _without_stream_options(
    request: ProviderRequest, payload: Payload, model: str
) -> ProviderRequest:
    body = {name: value for name, value in payload.items() if name != "stream_options"}
    left_out = ("stream_options",) if payload.get("stream_options") else ()
    return replace(request, body=orjson.dumps({**body, "model": model}), left_out=left_out)


def _addressed(request: ProviderRequest, target: Target, model: str) -> ProviderRequest:
    url = Resource.of(target).url(request.url, model)
    return replace(request, url=url, headers={**request.headers, **_key(target)})


def _key(target: Target) -> dict[str, str | Secret]:
    key = target.credentials.get("api_key")
    if not key:
        return {}
    return {"api-key": key if isinstance(key, Secret) else Secret(key)}


def _is_deployed(item: Any) -> bool:
    """Only one whose creation succeeded can be called."""
    if not isinstance(item, Mapping) or item.get("status", "succeeded") != "succeeded":
        return False
    return isinstance(item.get("id"), str) and 0 < len(item["id"]) <= 200


def _listed(item: Mapping[str, Any]) -> ListedModel:
    """A deployment has a name of its own: what it can do follows from its model's."""
    model = item.get("model")
    return ListedModel(item["id"], model_types_of(model if isinstance(model, str) else item["id"]))
