"""The operator's shared connections: saving, granting, removing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone

from llmhub.base.errors import InvalidRequest
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.pricing import FIGURE_NAMES
from tenants.actors import Actor
from tenants.audit.services import operator_change
from tenants.keyring import keyring_of
from tenants.models import ConnectionState, SharedConnection, SharedModel, Tenant
from tenants.models.price_fields import Figures, figures_json
from tenants.platform import platform_get


@dataclass(frozen=True)
class SharedModelFacts:
    llm_name: str
    model_type: ModelType
    max_tokens: int | None = None
    figures: Figures = field(default_factory=dict)


@dataclass(frozen=True)
class SharedConnectionFacts:
    """`credentials` None keeps the stored ones; `granted_to` counts only where not all have it.

    `state` is what a test that has just been made found. Without one the stored state stays, unless
    the key or the address is new: then nothing is known of it.
    """

    llm_factory: str
    name: str
    base_url: str
    models: tuple[SharedModelFacts, ...]
    credentials: Mapping[str, str | Secret] | None = field(default=None, repr=False)
    key_hint: str = ""
    state: ConnectionState | None = None
    is_granted_to_all: bool = False
    granted_to: tuple[Tenant, ...] = ()


def shared_connection_save(*, facts: SharedConnectionFacts, actor: Actor) -> SharedConnection:
    """Create or change the shared connection of that factory and name, its models and its grants.

    Models that are not named any more are removed. Raises InvalidRequest naming the field.
    """
    with operator_change(actor=actor, action="shared_connection.save") as change:
        rows = SharedConnection.objects.select_for_update()
        row = rows.filter(llm_factory=facts.llm_factory, name=facts.name).first()
        change.before = shared_connection_json(row) if row else None
        row = row or SharedConnection(llm_factory=facts.llm_factory, name=facts.name)
        _apply(row, facts)
        _models_set(row, facts.models)
        row.granted_to.set(facts.granted_to)
        change.about("shared_connection", row.pk, str(row))
        change.after = shared_connection_json(row)
    return row


def shared_connection_set_enabled(
    *, rows: QuerySet[SharedConnection], is_enabled: bool, actor: Actor
) -> int:
    """Switch shared connections on or off for every tenant; gives how many changed."""
    with operator_change(actor=actor, action="shared_connection.set_enabled") as change:
        others = rows.filter(is_enabled=not is_enabled)
        names = sorted(map(str, others))
        changed = others.update(is_enabled=is_enabled)
        change.about("shared_connection", "", ", ".join(names))
        change.after = {"is_enabled": is_enabled, "connections": names}
        if not changed:
            change.nothing_changed()
    return changed


def shared_connection_delete(*, row: SharedConnection, actor: Actor) -> None:
    """Tenants' own records of its models (used tokens) stay in their schemas."""
    with operator_change(actor=actor, action="shared_connection.delete") as change:
        change.about("shared_connection", row.pk, str(row))
        change.before = shared_connection_json(row)
        row.delete()


def shared_connection_json(row: SharedConnection) -> dict[str, object]:
    """For the audit: no more of the key than its last four characters."""
    return {
        "llm_factory": row.llm_factory,
        "name": row.name,
        "api_base": row.base_url,
        "key": f"…{row.key_hint}" if row.key_hint else "",
        "models": sorted(map(str, row.shared_models.all())),
        "prices": {
            str(model): figures_json(model.own_figures)
            for model in row.shared_models.all()
            if model.own_price is not None
        },
        "is_granted_to_all": row.is_granted_to_all,
        "granted_to": sorted(row.granted_to.values_list("slug", flat=True)),
        "is_enabled": row.is_enabled,
    }


def _apply(row: SharedConnection, facts: SharedConnectionFacts) -> None:
    _apply_state(row, facts)
    row.base_url = facts.base_url
    row.is_granted_to_all = facts.is_granted_to_all
    if facts.credentials is not None:
        row.key_hint = facts.key_hint
        row.sealed_credentials = keyring_of(platform_get()).seal(
            table=SharedConnection._meta.db_table,
            row_id=row.pk,
            credentials=facts.credentials,
        )
    try:
        row.full_clean(exclude=["sealed_credentials"], validate_unique=False)
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise InvalidRequest(f"{name}: {' '.join(messages)}", field=name) from None
    row.save()


def _apply_state(row: SharedConnection, facts: SharedConnectionFacts) -> None:
    if facts.state is not None:
        row.state, row.state_message, row.checked_at = facts.state, "", timezone.now()
    elif facts.credentials is not None or facts.base_url != row.base_url:
        row.state, row.state_message, row.checked_at = ConnectionState.UNVERIFIED, "", None


def _models_set(row: SharedConnection, models: Iterable[SharedModelFacts]) -> None:
    wanted = {(m.llm_name, m.model_type.value): m for m in models}
    for known in row.shared_models.all():
        if (known.llm_name, known.model_type) not in wanted:
            known.delete()
    for (llm_name, model_type), facts in wanted.items():
        SharedModel.objects.update_or_create(
            connection=row,
            llm_name=llm_name,
            model_type=model_type,
            defaults={
                "max_tokens": facts.max_tokens,
                **{name: facts.figures.get(name) for name in FIGURE_NAMES},
            },
        )
