"""Reading a tenant's models, for /llm/list and /llm/my_llms."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.utils import timezone

from llmhub.base.model_types import ModelType
from providers.pricing import price_in_force
from providers.selectors import factory_list
from tenants.llms.models import Connection, TenantLLM
from tenants.llms.snapshot_build import models_of
from tenants.models import SharedConnection, Tenant
from tenants.models.price_fields import figures_json
from tenants.snapshots import EndpointView, ModelView
from tenants.tenancy import in_schema

MODEL_DISABLED = "model_disabled"


def configured_models(
    *, tenant: Tenant, model_type: ModelType | None = None
) -> dict[str, list[dict[str, Any]]]:
    """By factory, the highest rank first. `available` is what the gateway itself would decide."""
    wanted = [m for m in models_of(tenant) if model_type in (None, m.model_type)]
    return _by_factory(wanted, _listed)


def used_models(*, tenant: Tenant, has_details: bool = False) -> dict[str, dict[str, Any]]:
    """By factory: `tags`, and `llm` with each model's type, name and used tokens."""
    tags = {factory.name: ",".join(factory.tags) for factory in factory_list(active_only=False)}
    models = models_of(tenant)
    used = used_tokens_of(tenant)
    checks = states_of(tenant) if has_details else {}

    def shape(model: ModelView) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "type": model.model_type.value,
            "name": model.llm_name,
            "used_token": used.get(_key(model), 0),
        }
        return facts | _details(model, checks) if has_details else facts

    grouped = _by_factory(models, shape)
    return {name: {"tags": tags.get(name, ""), "llm": llms} for name, llms in grouped.items()}


def _by_factory(models: list[ModelView], shape: Any) -> dict[str, list[dict[str, Any]]]:
    order = [factory.name for factory in factory_list(active_only=False)]
    names = {model.llm_factory for model in models}
    ranked = [n for n in order if n in names] + sorted(names - set(order))
    grouped: dict[str, list[dict[str, Any]]] = {name: [] for name in ranked}
    for model in models:
        grouped[model.llm_factory].append(shape(model))
    return grouped


def _listed(model: ModelView) -> dict[str, Any]:
    return {
        "llm_name": model.llm_name,
        "model_type": model.model_type.value,
        "fid": model.llm_factory,
        "available": not model.refusal,
        "status": _status(model),
        "reason": model.refusal,
        "connection": model.connection.name,
        "is_shared": model.connection.is_shared,
        "max_tokens": model.max_tokens,
    }


def _status(model: ModelView) -> str:
    return "0" if model.refusal == MODEL_DISABLED else "1"


def _details(model: ModelView, states: Mapping[UUID, dict[str, Any]]) -> dict[str, Any]:
    endpoint = model.connection.endpoints.get(model.model_type, EndpointView("", ""))
    return {
        # Where the operator's own servers are is none of a tenant's business.
        "api_base": "" if model.connection.is_shared else endpoint.base_url,
        "max_tokens": model.max_tokens,
        "status": _status(model),
        "connection": model.connection.name,
        "is_shared": model.connection.is_shared,
        **_price(model),
        **states.get(model.connection.id, {}),
    }


def _price(model: ModelView) -> dict[str, Any]:
    """What a call would be billed at now, short inputs."""
    price = price_in_force(model.prices, timezone.now())
    if price is None:
        return {"price": {}, "price_source": ""}
    return {"price": figures_json(asdict(price.figures)), "price_source": price.source}


def _key(model: ModelView) -> tuple[UUID, str, str]:
    return (model.connection.id, model.llm_name, model.model_type.value)


def used_tokens_of(tenant: Tenant) -> dict[tuple[UUID, str, str], int]:
    """By connection, own or shared, model and type."""
    fields = ("connection_id", "shared_connection_id", "llm_name", "model_type", "used_tokens")
    with in_schema(tenant):
        rows = list(TenantLLM.objects.values_list(*fields))
    return {(own or shared, name, kind): used for own, shared, name, kind, used in rows}


def states_of(tenant: Tenant) -> dict[UUID, dict[str, Any]]:
    """By connection, own or shared: what the last test found, and when it was."""
    fields = ("pk", "state", "checked_at")
    with in_schema(tenant):
        rows = [
            *Connection.objects.values_list(*fields),
            *SharedConnection.objects.values_list(*fields),
        ]
    return {pk: {"state": state, "checked_at": checked_at} for pk, state, checked_at in rows}
