"""Which models Google lists, and what each is for. https://ai.google.dev/api/models"""

import re
from collections.abc import Mapping
from typing import Any

from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.gemini.replies import object_of
from providers.protocols.openai.listing import MAX_MODELS, MAX_NAME_LENGTH, model_types_of
from providers.protocols.openai.replies import reply_json
from providers.protocols.wire import ListedModel

PAGE_SIZE = 1000

_EMBEDS = frozenset({"embedContent", "batchEmbedContents", "asyncBatchEmbedContent"})
# They generate through the same method what chat is not: sound, pictures, clicks.
_NOT_CHAT = re.compile(r"\btts\b|-image|image-|native-audio|live|computer-use|robotics", re.I)


def models_parse(body: bytes) -> list[ListedModel]:
    items = object_of(reply_json(body)).get("models")
    if not isinstance(items, list):
        raise bad_reply("the reply does not list models")
    found = (_model(item) for item in items[:MAX_MODELS] if isinstance(item, dict))
    return [model for model in found if model]


def next_page_of(body: bytes) -> str:
    """The token of the page that follows, or nothing."""
    token = object_of(reply_json(body)).get("nextPageToken")
    return token if isinstance(token, str) else ""


def _model(item: Mapping[str, Any]) -> ListedModel | None:
    name = item.get("name")
    if not isinstance(name, str):
        return None
    name = name.removeprefix("models/")
    if not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        return None
    limit = item.get("inputTokenLimit")
    return ListedModel(name, _types(name, item), limit if type(limit) is int else None)


def _types(name: str, item: Mapping[str, Any]) -> frozenset[ModelType]:
    methods = item.get("supportedGenerationMethods")
    able = set(methods) if isinstance(methods, list) else set()
    if able & _EMBEDS:
        return frozenset({ModelType.EMBEDDING})
    if "generateContent" not in able or _NOT_CHAT.search(name):
        return frozenset()
    return model_types_of(name)
