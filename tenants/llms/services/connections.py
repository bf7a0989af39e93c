"""Storing, changing and removing a tenant's connections."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone

from llmhub.base.errors import Conflict, InvalidRequest, NotFound
from llmhub.base.model_types import ModelType
from providers.selectors import CatalogFactory, factory_get
from tenants.actors import Actor
from tenants.audit.services import Change, tenant_change
from tenants.keyring import keyring_of
from tenants.llms.models import Connection, TenantLLM
from tenants.llms.provider_facts import Credentials, key_hint
from tenants.llms.references import references_drop, references_of
from tenants.models import ConnectionState, Tenant
from tenants.models.price_fields import Figures, figures_equal
from tenants.tenancy import in_schema

DEFAULT_NAME = "default"


@dataclass(frozen=True)
class ModelFacts:
    """A model to be stored on a connection. None keeps what is stored."""

    llm_name: str
    model_type: ModelType
    max_tokens: int | None = None
    figures: Figures | None = None


@dataclass(frozen=True)
class ConnectionFacts:
    """A connection's key and address as they are to be, and what the provider said of them."""

    factory: CatalogFactory
    name: str
    base_url: str
    credentials: Credentials = field(repr=False)
    state: ConnectionState
    state_message: str = ""


def connection_save(
    *, tenant: Tenant, facts: ConnectionFacts, models: Iterable[ModelFacts], actor: Actor
) -> Connection:
    """Create or change the connection of that factory and name, and add what models are new.

    Models that are there already keep their status and used tokens.
    """
    with tenant_change(tenant=tenant, actor=actor, action="connection.save") as change:
        rows = Connection.objects.select_for_update()
        row = rows.filter(llm_factory=facts.factory.name, name=facts.name).first()
        change.before = connection_json(row) if row else None
        row = row or Connection(llm_factory=facts.factory.name, name=facts.name)
        connection_apply(row, facts, tenant)
        added = models_save(row, models)
        change.about("connection", row.pk, str(row))
        change.after = {**connection_json(row), "models_saved": added}
    return row


def connection_delete(
    *, tenant: Tenant, connection_id: UUID, is_forced: bool, actor: Actor
) -> None:
    """Remove a connection and its models. Raises NotFound; Conflict naming what refers to them."""
    with tenant_change(tenant=tenant, actor=actor, action="connection.delete") as change:
        row = connection_locked(connection_id)
        _remove([row], change, is_forced)
        change.about("connection", connection_id, str(row))


def factory_delete(*, tenant: Tenant, llm_factory: str, is_forced: bool, actor: Actor) -> int:
    """Remove every connection of the factory with its models; gives how many there were.

    Raises NotFound where there is none, Conflict naming what refers to their models.
    """
    factory_get(name=llm_factory)
    with tenant_change(tenant=tenant, actor=actor, action="factory.delete") as change:
        rows = list(Connection.objects.select_for_update().filter(llm_factory=llm_factory))
        if not rows:
            raise NotFound(f"You have no connection to {llm_factory}.", code="connection_not_found")
        _remove(rows, change, is_forced)
        change.about("factory", llm_factory, llm_factory)
    return len(rows)


def connection_require_free(*, tenant: Tenant, llm_factory: str, name: str) -> None:
    """Raises Conflict where the factory has a connection of that name."""
    with in_schema(tenant):
        require_free(llm_factory, name)


def require_free(llm_factory: str, name: str) -> None:
    """In the tenant's schema. Raises Conflict where the factory has a connection of that name."""
    if Connection.objects.filter(llm_factory=llm_factory, name=name).exists():
        raise Conflict(
            f"{llm_factory} already has a connection named {name}. Choose another name.",
            details={"field": "name"},
        )


def connection_locked(connection_id: UUID) -> Connection:
    """In the tenant's schema, for the length of the transaction. Raises NotFound."""
    row = Connection.objects.select_for_update().filter(pk=connection_id).first()
    if row is None:
        raise NotFound("There is no such connection.", code="connection_not_found")
    return row


def connection_apply(row: Connection, facts: ConnectionFacts | None, tenant: Tenant) -> None:
    """Put the facts on the row and save it. Raises InvalidRequest naming the field."""
    if facts is not None:
        row.base_url = facts.base_url
        row.state = facts.state
        row.state_message = facts.state_message[:1000]
        row.checked_at = timezone.now()
        row.key_hint = key_hint(facts.factory, facts.credentials)
        row.sealed_credentials = keyring_of(tenant).seal(
            table=Connection._meta.db_table, row_id=row.pk, credentials=facts.credentials
        )
    _clean(row)
    row.save()


def models_save(connection: Connection, models: Iterable[ModelFacts]) -> int:
    """Add the models that are new and set what is given of the others."""
    existing = {(m.llm_name, m.model_type): m for m in connection.tenant_llms.all()}
    new: list[TenantLLM] = []
    wanted = {(facts.llm_name, facts.model_type): facts for facts in models}
    for facts in wanted.values():
        row = existing.get((facts.llm_name, facts.model_type))
        if row is None:
            new.append(_new_model(connection, facts))
        else:
            _change_model(row, facts)
    TenantLLM.objects.bulk_create(new)
    return len(new)


def connection_json(row: Connection) -> dict[str, object]:
    """For the audit: no more of the key than its last four characters."""
    return {
        "llm_factory": row.llm_factory,
        "name": row.name,
        "api_base": row.base_url,
        "key": f"…{row.key_hint}" if row.key_hint else "",
        "state": row.state,
        "is_enabled": row.is_enabled,
    }


def _clean(row: Connection) -> None:
    try:
        row.full_clean(exclude=["sealed_credentials"], validate_unique=False)
    except ValidationError as error:
        model_field, messages = next(iter(error.message_dict.items()))
        named = {"name": "connection", "base_url": "api_base"}.get(model_field, model_field)
        raise InvalidRequest(f"{named}: {' '.join(messages)}", field=named) from None


def _change_model(row: TenantLLM, facts: ModelFacts) -> None:
    is_longer = facts.max_tokens is not None and row.max_tokens != facts.max_tokens
    is_priced = facts.figures is not None and not figures_equal(facts.figures, row.own_figures)
    if is_longer:
        row.max_tokens = facts.max_tokens
    if is_priced and facts.figures is not None:
        row.own_figures_set(facts.figures)
    if is_longer or is_priced:
        row.save()


def _new_model(connection: Connection, facts: ModelFacts) -> TenantLLM:
    row = TenantLLM(
        connection=connection,
        llm_factory=connection.llm_factory,
        llm_name=facts.llm_name,
        model_type=facts.model_type,
        max_tokens=facts.max_tokens,
    )
    if facts.figures is not None:
        row.own_figures_set(facts.figures)
    return row


def _remove(rows: list[Connection], change: Change, is_forced: bool) -> None:
    models = TenantLLM.objects.filter(connection__in=rows)
    references = references_of(models)
    if references and not is_forced:
        raise references.conflict()
    change.before = {
        "connections": [connection_json(row) for row in rows],
        "models": sorted(str(model) for model in models),
        "references": references.as_json(),
    }
    references_drop(references)
    for row in rows:
        row.delete()
