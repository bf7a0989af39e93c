"""Which models the Model Garden lists.

https://cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/publishers.models/list
"""

import re
from collections.abc import Mapping
from typing import Any

from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.gemini.replies import object_of
from providers.protocols.openai.listing import MAX_MODELS, MAX_NAME_LENGTH, model_types_of
from providers.protocols.openai.replies import reply_json
from providers.protocols.wire import ListedModel

PUBLISHERS = ("google", "anthropic")

_NAME = re.compile(r"publishers/([\w-]+)/models/(.+)")
_EMBEDS = re.compile(
    r"(?:text|gemini|multilingual|text-multilingual)-embedding-|textembedding-gecko"
)
_CHATS = re.compile(r"(?:gemini|claude)-")
_NOT_CHAT = re.compile(r"tts|-image|native-audio|live|computer-use|embedding")


def models_parse(body: bytes) -> list[ListedModel]:
    models = _models(body)
    found = (_model(item) for item in models[:MAX_MODELS] if isinstance(item, dict))
    return [model for model in found if model]


def following(body: bytes) -> tuple[str, str] | None:
    """Publisher and page token of the next request; the publishers come one after the other."""
    token = object_of(reply_json(body)).get("nextPageToken")
    publishers = [_name(item)[0] for item in _models(body) if isinstance(item, dict)]
    publisher = next(filter(None, publishers), "")
    if publisher not in PUBLISHERS:
        return None
    if isinstance(token, str) and token:
        return publisher, token
    later = PUBLISHERS[PUBLISHERS.index(publisher) + 1 :]
    return (later[0], "") if later else None


def _models(body: bytes) -> list[Any]:
    reply = object_of(reply_json(body))
    models = reply.get("publisherModels", [])
    if not isinstance(models, list):
        raise bad_reply("the reply does not list models")
    return models


def _name(item: Mapping[str, Any]) -> tuple[str, str]:
    found = _NAME.fullmatch(str(item.get("name")))
    return (found[1], found[2]) if found else ("", "")


def _model(item: Mapping[str, Any]) -> ListedModel | None:
    publisher, name = _name(item)
    if not publisher or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        return None
    return ListedModel(name, _types(name))


def _types(name: str) -> frozenset[ModelType]:
    if _EMBEDS.match(name):
        return frozenset({ModelType.EMBEDDING})
    if _CHATS.match(name) and not _NOT_CHAT.search(name):
        return model_types_of(name)
    return frozenset()
