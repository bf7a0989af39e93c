"""The tenant's default model per type."""

from collections.abc import Mapping

from llmhub.base.model_types import ModelType
from tenants.actors import Actor
from tenants.audit.services import tenant_change
from tenants.llms.models import ModelDefault
from tenants.llms.services.chosen_models import model_choose, tenant_llm_of
from tenants.llms.snapshot_build import models_of
from tenants.models import Tenant
from tenants.snapshots import ModelView


def defaults_set(*, tenant: Tenant, names: Mapping[ModelType, str], actor: Actor) -> None:
    """Set the default of each type to the model of that name; an empty name clears it.

    All or nothing. Raises NotFound for a model that the tenant does not have, and Unprocessable
    for one that is switched off or of another type; both name the type.
    """
    models = models_of(tenant)
    chosen = {
        model_type: model_choose(models, model_type, name, field=model_type.value)
        for model_type, name in names.items()
        if name
    }
    with tenant_change(tenant=tenant, actor=actor, action="defaults.set") as change:
        change.before = _stored()
        for model_type in names:
            _store(model_type, chosen.get(model_type))
        change.after = _stored()
        change.about("defaults", tenant.pk, ", ".join(names))
        if change.before == change.after:
            change.nothing_changed()


def _stored() -> dict[str, str]:
    rows = ModelDefault.objects.select_related("tenant_llm")
    return {row.model_type: str(row.tenant_llm) for row in rows}


def _store(model_type: ModelType, model: ModelView | None) -> None:
    if model is None:
        ModelDefault.objects.filter(model_type=model_type).delete()
        return
    ModelDefault.objects.update_or_create(
        model_type=model_type, defaults={"tenant_llm": tenant_llm_of(model)}
    )
