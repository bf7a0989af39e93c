"""What `GET /v1/models` lists. https://docs.claude.com/en/api/models-list"""

from collections.abc import Mapping
from typing import Any

import orjson

from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.openai.listing import MAX_CONTEXT_TOKENS, MAX_NAME_LENGTH
from providers.protocols.wire import ListedModel

PAGE = 1000
"""The most that the API gives at once, and many times what there is."""

_CHAT = frozenset({ModelType.CHAT})
_SEES = frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT})


def models_parse(body: bytes) -> list[ListedModel]:
    """What has no name is left out; what is retired is not called any more."""
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad_reply("the reply is not JSON") from None
    items = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(items, list):
        raise bad_reply("the reply does not list models")
    models = {model.llm_name: model for model in map(_model, items) if model}
    return list(models.values())


def _model(item: Any) -> ListedModel | None:
    if not isinstance(item, Mapping) or item.get("lifecycle") == "retired":
        return None
    name = item.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        return None
    return ListedModel(name, _SEES if _can_see(item) else _CHAT, _context_tokens(item))


def _can_see(item: Mapping[str, Any]) -> bool:
    """Every Claude does of which nothing else is said."""
    capabilities = item.get("capabilities")
    image = capabilities.get("image_input") if isinstance(capabilities, Mapping) else None
    return bool(image.get("supported")) if isinstance(image, Mapping) else True


def _context_tokens(item: Mapping[str, Any]) -> int | None:
    count = item.get("max_input_tokens")
    return count if type(count) is int and 0 < count <= MAX_CONTEXT_TOKENS else None
