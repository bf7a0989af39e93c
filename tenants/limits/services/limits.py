"""Limits: how many requests and tokens a minute, and how many calls at once."""

from dataclasses import asdict, dataclass, fields
from uuid import UUID

from llmhub.base.errors import InvalidRequest, NotFound
from tenants.actors import Actor
from tenants.audit.services import tenant_change
from tenants.limits.counters import counters_forget
from tenants.limits.models import Limit
from tenants.limits.services.scopes import ScopeFacts, room_require, scope_check
from tenants.models import Plan, Tenant

MAX_PER_MINUTE = 1_000_000_000


@dataclass(frozen=True)
class LimitFacts:
    """None: not limited. One of them is there."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None


def limit_create(*, tenant: Tenant, scope: ScopeFacts, facts: LimitFacts, actor: Actor) -> Limit:
    """From the next call on it holds. Raises InvalidRequest naming the field, also for more than
    the tenant's plan grants, NotFound for a token or model that is not there, and Conflict."""
    scope = scope_check(tenant, scope)
    _check(tenant, facts)
    with tenant_change(tenant=tenant, actor=actor, action="limit.create") as change:
        room_require(Limit.objects.count(), Limit)
        row = Limit(access_token_id=scope.access_token_id, model=scope.model, **asdict(facts))
        row.save(force_insert=True)
        change.about("limit", row.pk, limit_label(row))
        change.after = limit_facts_json(row)
    return row


def limit_update(*, tenant: Tenant, limit_id: UUID, facts: LimitFacts, actor: Actor) -> Limit:
    """Whose calls it is about does not change. Raises NotFound and InvalidRequest."""
    _check(tenant, facts)
    with tenant_change(tenant=tenant, actor=actor, action="limit.update") as change:
        row = _locked(limit_id)
        change.about("limit", row.pk, limit_label(row))
        change.before = limit_facts_json(row)
        for name, value in asdict(facts).items():
            setattr(row, name, value)
        change.after = limit_facts_json(row)
        if change.before == change.after:
            change.nothing_changed()
        else:
            row.save()
    return row


def limit_delete(*, tenant: Tenant, limit_id: UUID, actor: Actor) -> None:
    """Raises NotFound."""
    with tenant_change(tenant=tenant, actor=actor, action="limit.delete") as change:
        row = _locked(limit_id)
        change.about("limit", row.pk, limit_label(row))
        change.before = limit_facts_json(row)
        row.delete()
    counters_forget(tenant.pk, limit_id)


def limit_facts_json(row: Limit) -> dict[str, object]:
    facts = {field.name: getattr(row, field.name) for field in fields(LimitFacts)}
    token_id = None if row.access_token_id is None else str(row.access_token_id)
    return {"access_token_id": token_id, "model": row.model, **facts}


def limit_label(row: Limit) -> str:
    return row.model or ("a token" if row.access_token_id else "all calls")


def _locked(limit_id: UUID) -> Limit:
    row = Limit.objects.select_for_update().filter(pk=limit_id).first()
    if row is None:
        raise NotFound("There is no such limit.", code="limit_not_found")
    return row


def _check(tenant: Tenant, facts: LimitFacts) -> None:
    values = asdict(facts)
    if all(value is None for value in values.values()):
        raise InvalidRequest(
            f"A limit limits something: send one of {', '.join(values)}.",
            field="requests_per_minute",
        )
    for name, value in values.items():
        if value is not None:
            _require_within_plan(tenant.plan, name, value)


def _require_within_plan(plan: Plan | None, name: str, value: int) -> None:
    granted = getattr(plan, name) if plan is not None else None
    if granted is not None and value > granted:
        raise InvalidRequest(
            f"{name}: your plan grants {granted:,}. Choose less, or ask the operator for another "
            "plan.",
            field=name,
            code="above_plan",
        )
