"""From a model's name to the tenant's row of it, for what refers to models: defaults, routes."""

from collections.abc import Sequence

from llmhub.base.errors import NotFound, Unprocessable
from llmhub.base.model_types import ModelType
from tenants.llms.models import TenantLLM
from tenants.llms.services.tenant_llms import shared_tenant_llm
from tenants.models import SharedModel
from tenants.snapshots import ANSWERED_BY, ModelView, models_by_name


def model_choose(
    models: Sequence[ModelView], model_type: ModelType, name: str, *, field: str
) -> ModelView:
    """The first callable model of that name which answers calls of the type.

    Raises NotFound for a model that the tenant does not have, Unprocessable for one that is
    switched off or of another type; both name `field`.
    """
    by_name = models_by_name(models)
    for answered_by in ANSWERED_BY[model_type]:
        if found := by_name.get((answered_by, name)):
            return _callable(found, name, field)
    others = [model for model in models if name in model.names()]
    if not others:
        raise NotFound(
            f"{field}: you have no model '{name[:200]}'. GET /llm/list shows yours.",
            code="model_not_found",
            details={"field": field},
        )
    raise Unprocessable(
        f"{field}: '{name[:200]}' is a model of type {others[0].model_type}, not {model_type}.",
        code="wrong_model_type",
        details={"field": field, "model_type": others[0].model_type.value},
    )


def tenant_llm_of(model: ModelView) -> TenantLLM:
    """In the tenant's schema: the row of the model; a shared one gets its row now."""
    if model.connection.is_shared:
        rows = SharedModel.objects.select_related("connection")
        return shared_tenant_llm(
            rows.get(
                connection_id=model.connection.id,
                llm_name=model.llm_name,
                model_type=model.model_type,
            )
        )
    return TenantLLM.objects.get(
        connection_id=model.connection.id, llm_name=model.llm_name, model_type=model.model_type
    )


def _callable(found: tuple[ModelView, ...], name: str, field: str) -> ModelView:
    for model in found:
        if not model.refusal:
            return model
    raise Unprocessable(
        f"{field}: '{name[:200]}' cannot be called now ({found[0].refusal}).",
        code=found[0].refusal,
        details={"field": field},
    )
