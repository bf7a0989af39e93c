"""Which models an Ollama server has, and what each is for. https://docs.ollama.com/api/tags"""

from collections.abc import Mapping
from typing import Any

from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.openai.listing import (
    MAX_CONTEXT_TOKENS,
    MAX_MODELS,
    MAX_NAME_LENGTH,
    model_types_of,
)
from providers.protocols.openai.replies import reply_object
from providers.protocols.wire import ListedModel

_EMBEDDING_FAMILIES = frozenset({"bert", "nomic-bert", "nomic-bert-moe", "gemma-embedding"})
_SEEING_FAMILIES = frozenset({"clip", "mllama", "qwen25vl", "qwen3vl"})


def models_parse(body: bytes) -> list[ListedModel]:
    items = reply_object(body).get("models")
    if not isinstance(items, list):
        raise bad_reply("the reply does not list models")
    found = (_model(item) for item in items[:MAX_MODELS] if isinstance(item, dict))
    return [model for model in found if model]


def _model(item: Mapping[str, Any]) -> ListedModel | None:
    name = item.get("model") or item.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        return None
    details = item.get("details")
    told: Mapping[str, Any] = details if isinstance(details, dict) else {}
    return ListedModel(name, _types(name, item, told), _context(item, told))


def _types(name: str, item: Mapping[str, Any], details: Mapping[str, Any]) -> frozenset[ModelType]:
    """By the capabilities, where the server is new enough to tell; else by family and name."""
    able = item.get("capabilities", details.get("capabilities"))
    if isinstance(able, list) and able:
        return _able(able)
    families = {details.get("family"), *(details.get("families") or ())}
    if families & _EMBEDDING_FAMILIES:
        return frozenset({ModelType.EMBEDDING})
    types = model_types_of(name)
    sees = ModelType.CHAT in types and families & _SEEING_FAMILIES
    return types | {ModelType.IMAGE2TEXT} if sees else types


def _able(capabilities: list[Any]) -> frozenset[ModelType]:
    if "completion" not in capabilities:
        return frozenset({ModelType.EMBEDDING} if "embedding" in capabilities else ())
    sees = {ModelType.IMAGE2TEXT} if "vision" in capabilities else set()
    return frozenset({ModelType.CHAT, *sees})


def _context(item: Mapping[str, Any], details: Mapping[str, Any]) -> int | None:
    length = item.get("context_length", details.get("context_length"))
    return length if type(length) is int and 0 < length <= MAX_CONTEXT_TOKENS else None
