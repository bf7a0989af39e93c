"""GET /v1/models: what a token can call, in the shape of OpenAI's list.

https://platform.openai.com/docs/api-reference/models/list
"""

from collections.abc import Iterable
from typing import Any

from gateway.errors import NothingHere
from gateway.resolve import is_allowed
from tenants.snapshots import ModelView, Snapshot, TokenView


def models_list(snapshot: Snapshot, token: TokenView) -> dict[str, Any]:
    """Each name once, with every type that it answers as; routes behind the models."""
    models = _callable(snapshot, token)
    entries: dict[str, dict[str, Any]] = {}
    for model in models:
        _add(entries, model.llm_name, model.llm_factory, model.model_type)
    for route in snapshot.routes.values():
        if any(is_allowed(token, t.model, route.name) for t in route.targets):
            _add(entries, route.name, "route", route.model_type)
    return {"object": "list", "data": list(entries.values())}


def model_get(snapshot: Snapshot, token: TokenView, name: str) -> dict[str, Any]:
    """The model or route of that name, in any of its forms. Raises NothingHere."""
    entries: dict[str, dict[str, Any]] = {}
    for model in _callable(snapshot, token):
        if name in model.names():
            _add(entries, name, model.llm_factory, model.model_type)
    listed = (entry for entry in models_list(snapshot, token)["data"] if entry["id"] == name)
    found = entries.get(name) or next(listed, None)
    if found is None:
        message = f"There is no model {name!r}. GET /v1/models lists what there is."
        raise NothingHere(message, code="model_not_found", param="model")
    return found


def _callable(snapshot: Snapshot, token: TokenView) -> Iterable[ModelView]:
    return (m for m in snapshot.models if not m.refusal and is_allowed(token, m))


def _add(entries: dict[str, dict[str, Any]], name: str, owner: str, model_type: str) -> None:
    entry = entries.setdefault(
        name,
        {"id": name, "object": "model", "created": 0, "owned_by": owner, "model_types": []},
    )
    if model_type not in entry["model_types"]:
        entry["model_types"].append(model_type)
