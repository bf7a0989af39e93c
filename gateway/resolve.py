"""From the model that a call names to the models that are tried for it, in order."""

import random
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from gateway.errors import BadRequest, GatewayError, NothingHere, NotPermitted
from llmhub.base.model_types import ModelType
from tenants.snapshots import ANSWERED_BY, ModelView, RouteTargetView, Snapshot, TokenView

_REFUSALS = {
    "model_disabled": "Model {model} is disabled. Enable it with POST /llm/enable_llm.",
    "factory_disabled": "Model {model}: the provider {factory} is switched off. Ask the operator.",
    "catalog_model_disabled": "Model {model} was taken out of the catalog. Ask the operator.",
    "connection_disabled": "Model {model}: the connection {connection} is disabled. "
    "Enable it with PATCH /llm/connections.",
    "connection_invalid_key": "Model {model}: {factory} refuses the key of the connection "
    "{connection}. Give it a new one with POST /llm/set_api_key.",
    "protocol_not_supported": "{type} model from {factory} is not supported yet.",
}


def models_resolve(
    snapshot: Snapshot, token: TokenView, model_type: ModelType, asked: Any
) -> Sequence[ModelView]:
    """The models to try, one at least.

    `asked` is the payload's `model`: a model's name, in any of the forms of `ModelView.names`, a
    route's name, or none for the tenant's default. Raises BadRequest, NothingHere and NotPermitted.
    """
    if asked is not None and not isinstance(asked, str):
        raise BadRequest("model is not a text.", param="model")
    name = (asked or "").strip()
    found = _named(snapshot, model_type, name) if name else _default(snapshot, model_type)
    if not found:
        raise NothingHere(
            f"There is no {model_type} model {name!r}. GET /v1/models lists what there is.",
            code="model_not_found",
            param="model",
        )
    allowed = [model for model in found if is_allowed(token, model, name)]
    if not allowed:
        raise NotPermitted(
            f"This token may not use {name or found[0].llm_name}.",
            code="model_not_allowed",
            param="model",
        )
    admitted = [model for model in allowed if not model.refusal]
    if not admitted:
        raise _refused(allowed[0])
    return admitted


def is_allowed(token: TokenView, model: ModelView, asked: str = "") -> bool:
    """A token's list may hold any name of the model, or the name that was asked for: a route's."""
    allowed = token.allowed_models
    return not allowed or asked in allowed or not allowed.isdisjoint(model.names())


def _default(snapshot: Snapshot, model_type: ModelType) -> Sequence[ModelView]:
    for answered_by in ANSWERED_BY[model_type]:
        if model := snapshot.defaults.get(answered_by):
            return (model,)
    raise NothingHere(
        f"No model is named, and there is no default {model_type} model. "
        "Name one, or set a default with PUT /llm/defaults.",
        code="model_not_found",
        param="model",
    )


def _named(snapshot: Snapshot, model_type: ModelType, name: str) -> Sequence[ModelView]:
    """A route goes before a model of the same name: the tenant put it there."""
    if route_name(snapshot, model_type, name):
        return _in_trying_order(snapshot.routes[name].targets)
    return snapshot.named(model_type, name)


def route_name(snapshot: Snapshot, model_type: ModelType, asked: Any) -> str:
    """The route that answers to what was asked for; empty where none does."""
    name = asked.strip() if isinstance(asked, str) else ""
    route = snapshot.routes.get(name)
    return name if route is not None and route.model_type in ANSWERED_BY[model_type] else ""


def _in_trying_order(targets: Iterable[RouteTargetView]) -> list[ModelView]:
    """Lower priority first; among equals by lot, weighted, without drawing one twice."""
    ordered: list[ModelView] = []
    for _, group in groupby(sorted(targets, key=_priority), key=_priority):
        drawn = sorted(group, key=_ticket, reverse=True)
        ordered += [target.model for target in drawn]
    return ordered


def _priority(target: RouteTargetView) -> int:
    return target.priority


def _ticket(target: RouteTargetView) -> float:
    """Sorting by u^(1/weight) draws in proportion to the weights: Efraimidis, Spirakis 2006."""
    return float(random.random() ** (1 / max(target.weight, 1)))  # noqa: S311


def _refused(model: ModelView) -> GatewayError:
    words = _REFUSALS.get(model.refusal, "Model {model} is not available.")
    message = words.format(
        model=model.llm_name,
        factory=model.llm_factory,
        connection=model.connection.name,
        type=model.model_type.capitalize(),
    )
    return NotPermitted(message, code=model.refusal, param="model")
