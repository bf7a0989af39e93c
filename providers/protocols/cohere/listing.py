"""Which models Cohere lists, and what each is for. https://docs.cohere.com/reference/list-models"""

from collections.abc import Mapping
from typing import Any

from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.openai.listing import MAX_CONTEXT_TOKENS, MAX_MODELS, MAX_NAME_LENGTH
from providers.protocols.openai.replies import reply_object
from providers.protocols.wire import ListedModel

PAGE_SIZE = 1000

_TYPES = {
    "chat": ModelType.CHAT,
    "embed": ModelType.EMBEDDING,
    "rerank": ModelType.RERANK,
    "transcribe": ModelType.SPEECH2TEXT,
    "transcriptions": ModelType.SPEECH2TEXT,
}


def models_parse(body: bytes) -> list[ListedModel]:
    items = reply_object(body).get("models")
    if not isinstance(items, list):
        raise bad_reply("the reply does not list models")
    found = (_model(item) for item in items[:MAX_MODELS] if isinstance(item, dict))
    return [model for model in found if model]


def next_page_of(body: bytes) -> str:
    """The token of the page that follows, or nothing."""
    token = reply_object(body).get("next_page_token")
    return token if isinstance(token, str) else ""


def _model(item: Mapping[str, Any]) -> ListedModel | None:
    name = item.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        return None
    endpoints = item.get("endpoints")
    told = endpoints if isinstance(endpoints, list) else ()
    types = {_TYPES[each] for each in told if each in _TYPES}
    features = item.get("features")
    if ModelType.CHAT in types and isinstance(features, list) and "vision" in features:
        types.add(ModelType.IMAGE2TEXT)
    return ListedModel(name, frozenset(types), _context(item.get("context_length")))


def _context(length: Any) -> int | None:
    """Cohere writes the number with a fraction."""
    if type(length) not in (int, float) or not 0 < length <= MAX_CONTEXT_TOKENS:
        return None
    return int(length)
