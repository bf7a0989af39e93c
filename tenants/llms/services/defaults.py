"""The tenant's default model per type."""

from collections.abc import Mapping
from uuid import UUID

from llmhub.base.errors import NotFound, Unprocessable
from llmhub.base.model_types import ModelType
from tenants.actors import Actor
from tenants.audit.services import tenant_change
from tenants.llms.models import ModelDefault, TenantLLM
from tenants.llms.services.tenant_llms import shared_tenant_llm
from tenants.llms.snapshot_build import models_of
from tenants.models import SharedModel, Tenant
from tenants.snapshots import ANSWERED_BY, ModelView, models_by_name


def defaults_set(*, tenant: Tenant, names: Mapping[ModelType, str], actor: Actor) -> None:
    """Set the default of each type to the model of that name; an empty name clears it.

    All or nothing. Raises NotFound for a model that the tenant does not have, and Unprocessable
    for one that is switched off or of another type; both name the type.
    """
    models = models_of(tenant)
    chosen = {t: _chosen(models, t, name) for t, name in names.items() if name}
    with tenant_change(tenant=tenant, actor=actor, action="defaults.set") as change:
        before = _stored()
        for model_type in names:
            _store(model_type, chosen.get(model_type))
        after = _stored()
        change.about("defaults", tenant.pk, ", ".join(names))
        change.before, change.after = before, after
        if before == after:
            change.nothing_changed()


def _chosen(models: list[ModelView], model_type: ModelType, name: str) -> ModelView:
    by_name = models_by_name(models)
    for answered_by in ANSWERED_BY[model_type]:
        found = by_name.get((answered_by, name))
        if found:
            return _admitted(found, model_type, name)
    others = [m for m in models if name in m.names()]
    if not others:
        raise NotFound(
            f"{model_type}: you have no model '{name[:200]}'. GET /llm/list shows yours.",
            code="model_not_found",
            details={"field": model_type.value},
        )
    raise Unprocessable(
        f"{model_type}: '{name[:200]}' is a model of type {others[0].model_type}.",
        code="wrong_model_type",
        details={"field": model_type.value, "model_type": others[0].model_type.value},
    )


def _admitted(found: tuple[ModelView, ...], model_type: ModelType, name: str) -> ModelView:
    for model in found:
        if not model.refusal:
            return model
    raise Unprocessable(
        f"{model_type}: '{name[:200]}' cannot be called now ({found[0].refusal}).",
        code=found[0].refusal,
        details={"field": model_type.value},
    )


def _stored() -> dict[str, str]:
    rows = ModelDefault.objects.select_related("tenant_llm")
    return {row.model_type: str(row.tenant_llm) for row in rows}


def _store(model_type: ModelType, model: ModelView | None) -> None:
    if model is None:
        ModelDefault.objects.filter(model_type=model_type).delete()
        return
    ModelDefault.objects.update_or_create(
        model_type=model_type, defaults={"tenant_llm": _row_of(model)}
    )


def _row_of(model: ModelView) -> TenantLLM:
    if model.connection.is_shared:
        return shared_tenant_llm(_shared_model(model.connection.id, model))
    return TenantLLM.objects.get(
        connection_id=model.connection.id, llm_name=model.llm_name, model_type=model.model_type
    )


def _shared_model(connection_id: UUID, model: ModelView) -> SharedModel:
    rows = SharedModel.objects.select_related("connection")
    return rows.get(
        connection_id=connection_id, llm_name=model.llm_name, model_type=model.model_type
    )
