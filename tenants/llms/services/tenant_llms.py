"""Switching a tenant's models on and off, and removing them."""

from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from llmhub.base.errors import Conflict, InvalidRequest, NotFound
from llmhub.base.model_types import ModelType
from providers.selectors import factory_get
from tenants.actors import Actor
from tenants.audit.services import Change, tenant_change
from tenants.llms.models import TenantLLM
from tenants.llms.references import references_drop, references_of
from tenants.llms.snapshot_build import granted_connections
from tenants.models import SharedModel, Tenant
from tenants.models.price_fields import Figures, figures_equal, figures_json


@dataclass(frozen=True)
class ModelSelection:
    """The models that a request means; an empty type or connection means every one."""

    llm_factory: str
    llm_name: str
    model_type: ModelType | None = None
    connection_name: str = ""


def tenant_llm_delete(
    *, tenant: Tenant, selection: ModelSelection, is_forced: bool, actor: Actor
) -> int:
    """Remove the tenant's own models of that name; gives how many there were.

    Raises NotFound; Conflict naming what refers to them, and for a model that is the operator's.
    """
    factory_get(name=selection.llm_factory)
    with tenant_change(tenant=tenant, actor=actor, action="model.delete") as change:
        rows = _own(selection)
        count = rows.count()
        if not count:
            raise _nothing_to_delete(tenant, selection)
        references = references_of(rows)
        if references and not is_forced:
            raise references.conflict()
        change.before = {"models": sorted(map(str, rows)), "references": references.as_json()}
        references_drop(references)
        rows.delete()
        _tell(change, selection)
    return count


def tenant_llm_set_status(
    *, tenant: Tenant, selection: ModelSelection, is_enabled: bool, actor: Actor
) -> int:
    """Switch the models of that name on or off, shared ones for this tenant alone; gives how many
    match. The gateway knows on its next request. Raises NotFound."""
    factory_get(name=selection.llm_factory)
    with tenant_change(tenant=tenant, actor=actor, action="model.set_status") as change:
        shared = [shared_tenant_llm(model) for model in _shared(tenant, selection)]
        ids = [row.pk for row in shared] + list(_own(selection).values_list("pk", flat=True))
        if not ids:
            raise _not_found(selection)
        others = TenantLLM.objects.filter(pk__in=ids, is_enabled=not is_enabled)
        change.before = {"is_enabled": not is_enabled, "models": sorted(map(str, others))}
        change.after = {"is_enabled": is_enabled}
        _tell(change, selection)
        if not others.update(is_enabled=is_enabled):
            change.nothing_changed()
    return len(ids)


def tenant_llm_set_price(
    *, tenant: Tenant, selection: ModelSelection, figures: Figures, actor: Actor
) -> int:
    """Set what the tenant pays for its own models of that name; no figures at all: the catalog's
    price holds again. What was metered before stays as it is. Gives how many there are.

    Raises NotFound, Conflict for a model whose price is the operator's, InvalidRequest by figure.
    """
    factory_get(name=selection.llm_factory)
    with tenant_change(tenant=tenant, actor=actor, action="model.set_price") as change:
        rows = list(_own(selection).select_for_update())
        if not rows:
            raise _nothing_to_price(tenant, selection)
        before = {str(row): figures_json(row.own_figures) for row in rows}
        changed = [row for row in rows if not figures_equal(figures, row.own_figures)]
        for row in changed:
            _price(row, figures)
        change.before = {"prices": before}
        change.after = {"price": figures_json(figures)}
        _tell(change, selection)
        if not changed:
            change.nothing_changed()
    return len(rows)


def _price(row: TenantLLM, figures: Figures) -> None:
    try:
        row.own_figures_set(figures)
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise InvalidRequest(f"{name}: {' '.join(messages)}", field=name) from None
    row.save()


def shared_tenant_llm(model: SharedModel) -> TenantLLM:
    """The tenant's row of a shared model, made when it is first needed."""
    connection_id: UUID = model.connection_id
    row, _ = TenantLLM.objects.get_or_create(
        shared_connection_id=connection_id,
        llm_name=model.llm_name,
        model_type=model.model_type,
        defaults={"llm_factory": model.connection.llm_factory, "max_tokens": model.max_tokens},
    )
    return row


def _own(selection: ModelSelection) -> QuerySet[TenantLLM]:
    rows = TenantLLM.objects.filter(
        connection__isnull=False, llm_factory=selection.llm_factory, llm_name=selection.llm_name
    )
    if selection.model_type:
        rows = rows.filter(model_type=selection.model_type)
    if selection.connection_name:
        rows = rows.filter(connection__name=selection.connection_name)
    return rows


def _shared(tenant: Tenant, selection: ModelSelection) -> QuerySet[SharedModel]:
    granted = [c.pk for c in granted_connections(tenant) if c.llm_factory == selection.llm_factory]
    rows = SharedModel.objects.filter(connection__in=granted, llm_name=selection.llm_name)
    if selection.model_type:
        rows = rows.filter(model_type=selection.model_type)
    if selection.connection_name:
        rows = rows.filter(connection__name=selection.connection_name)
    return rows.select_related("connection")


def _nothing_to_delete(tenant: Tenant, selection: ModelSelection) -> NotFound | Conflict:
    if _shared(tenant, selection).exists():
        return Conflict(
            f"{selection.llm_name} is granted by the operator and cannot be deleted. "
            "Switch it off with POST /llm/enable_llm.",
            code="shared_model",
        )
    return _not_found(selection)


def _nothing_to_price(tenant: Tenant, selection: ModelSelection) -> NotFound | Conflict:
    if _shared(tenant, selection).exists():
        return Conflict(
            f"{selection.llm_name} is granted by the operator, who sets its price.",
            code="shared_model",
        )
    return _not_found(selection)


def _not_found(selection: ModelSelection) -> NotFound:
    return NotFound(
        f"You have no model '{selection.llm_name}' of {selection.llm_factory}"
        f"{' of type ' + selection.model_type if selection.model_type else ''}. "
        "GET /llm/list shows yours.",
        code="model_not_found",
    )


def _tell(change: Change, selection: ModelSelection) -> None:
    name = f"{selection.llm_name}@{selection.llm_factory}"
    change.about("model", name[:64], name)
