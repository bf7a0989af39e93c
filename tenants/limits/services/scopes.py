"""Whose calls a limit or budget is to be about: checked, and put into its one form."""

from dataclasses import dataclass
from uuid import UUID

from llmhub.base.errors import Conflict, NotFound
from tenants.limits.models import Budget, Limit
from tenants.llms.snapshot_build import models_of
from tenants.models import AccessToken, Tenant

MAX_ROWS = 200
"""Of each kind in a tenant: the gateway looks at all of them with each call."""


@dataclass(frozen=True)
class ScopeFacts:
    """None and empty: all tokens, all models. `model` is any of the names of a model."""

    access_token_id: UUID | None = None
    model: str = ""


def scope_check(tenant: Tenant, facts: ScopeFacts) -> ScopeFacts:
    """With the model's name in a form that means the same whatever else there is. Raises NotFound
    naming the field."""
    if facts.access_token_id is not None:
        _require_token(tenant, facts.access_token_id)
    return ScopeFacts(facts.access_token_id, _model_name(tenant, facts.model))


def room_require(rows: int, kind: type[Limit] | type[Budget]) -> None:
    """Raises Conflict where there are too many already."""
    if rows >= MAX_ROWS:
        name = kind._meta.verbose_name_plural
        raise Conflict(f"You have {MAX_ROWS} {name}, and no more are possible. Delete one first.")


def _require_token(tenant: Tenant, token_id: UUID) -> None:
    alive = AccessToken.objects.filter(tenant=tenant, pk=token_id, revoked_at__isnull=True)
    if not alive.exists():
        raise NotFound(
            "access_token_id: you have no such token. GET /llm/tokens shows yours.",
            code="token_not_found",
            details={"field": "access_token_id"},
        )


def _model_name(tenant: Tenant, name: str) -> str:
    """A name with its connection stays one; every other becomes `model@factory`."""
    if not name:
        return ""
    found = next((m for m in models_of(tenant) if name in m.names()), None)
    if found is None:
        raise NotFound(
            f"model: you have no model '{name[:200]}'. GET /llm/list shows yours.",
            code="model_not_found",
            details={"field": "model"},
        )
    if name == found.qualified_name:
        return name
    return f"{found.llm_name}@{found.llm_factory}"
