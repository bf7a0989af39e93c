"""Which models a region has: the foundation models, then the profiles that reach other regions.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListInferenceProfiles.html
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.openai.listing import MAX_MODELS, MAX_NAME_LENGTH, model_types_of
from providers.protocols.openai.replies import reply_object
from providers.protocols.wire import ListedModel

MODELS = "/foundation-models"

_PROFILES = "/inference-profiles?maxResults=1000"
_EMBEDS = re.compile(r"amazon\.titan-embed-text|cohere\.embed")
_REGION_PREFIX = re.compile(r"^(?:us-gov|us|eu|apac|au|jp|ca|in|global)\.")


def models_parse(body: bytes) -> list[ListedModel]:
    """Of either list. A model that only its profiles can call is not named by itself."""
    reply = reply_object(body)
    models, profiles = reply.get("modelSummaries"), reply.get("inferenceProfileSummaries")
    if isinstance(models, list):
        found = [_model(item) for item in models[:MAX_MODELS] if isinstance(item, dict)]
    elif isinstance(profiles, list):
        found = [_profile(item) for item in profiles[:MAX_MODELS] if isinstance(item, dict)]
    else:
        raise bad_reply("the reply does not list models")
    return [model for model in found if model]


def following(body: bytes) -> str | None:
    """The path of the list, or the page of it, that comes next."""
    reply = reply_object(body)
    if "modelSummaries" in reply:
        return _PROFILES
    token = reply.get("nextToken")
    if not isinstance(token, str) or not token:
        return None
    return f"{_PROFILES}&nextToken={quote(token, safe='')}"


def _model(item: Mapping[str, Any]) -> ListedModel | None:
    name = item.get("modelId")
    inference = item.get("inferenceTypesSupported")
    if not _is_name(name) or (isinstance(inference, list) and "ON_DEMAND" not in inference):
        return None
    gives, takes = item.get("outputModalities") or (), item.get("inputModalities") or ()
    return ListedModel(str(name), _types(str(name), gives, "IMAGE" in takes))


def _types(name: str, gives: Any, sees: bool) -> frozenset[ModelType]:
    if "rerank" in name:
        return frozenset({ModelType.RERANK})
    if "EMBEDDING" in gives:
        return frozenset({ModelType.EMBEDDING} if _EMBEDS.search(name) else ())
    if "TEXT" not in gives:
        return frozenset()
    return frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT} if sees else {ModelType.CHAT})


def _profile(item: Mapping[str, Any]) -> ListedModel | None:
    """The list does not say what a profile's model does: its name does."""
    name = item.get("inferenceProfileId")
    if not _is_name(name) or item.get("status", "ACTIVE") != "ACTIVE":
        return None
    base = _REGION_PREFIX.sub("", str(name))
    types = model_types_of(base.partition(":")[0])
    if types == {ModelType.EMBEDDING} and not _EMBEDS.search(base):
        types = frozenset()
    return ListedModel(str(name), types)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()
