"""Routes: a model name of the tenant's own, with weighted targets and fallbacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError

from llmhub.base.errors import Conflict, InvalidRequest, NotFound
from llmhub.base.model_types import ModelType
from tenants.actors import Actor
from tenants.audit.services import tenant_change
from tenants.llms.models import Route, RouteTarget
from tenants.llms.selectors.routes import route_json
from tenants.llms.services.chosen_models import model_choose, tenant_llm_of
from tenants.llms.snapshot_build import models_of
from tenants.models import Tenant
from tenants.snapshots import ModelView


@dataclass(frozen=True)
class TargetFacts:
    """`model` is any of the model's names; lower `priority` is tried first, `weight` shares the
    calls among equals."""

    model: str
    weight: int = 1
    priority: int = 0


@dataclass(frozen=True)
class RouteFacts:
    name: str
    model_type: ModelType
    targets: tuple[TargetFacts, ...]
    is_enabled: bool = True


def route_create(*, tenant: Tenant, facts: RouteFacts, actor: Actor) -> Route:
    """Raises Conflict for a name that is taken, InvalidRequest, and what `model_choose` raises."""
    chosen = _chosen(tenant, facts)
    with tenant_change(tenant=tenant, actor=actor, action="route.create") as change:
        route = Route()
        _save(route, facts, chosen)
        change.about("route", route.pk, route.name)
        change.after = route_json(route)
    return route


def route_update(*, tenant: Tenant, route_id: UUID, facts: RouteFacts, actor: Actor) -> Route:
    """Put the facts in the place of the route's. Raises NotFound and as `route_create` does."""
    chosen = _chosen(tenant, facts)
    with tenant_change(tenant=tenant, actor=actor, action="route.update") as change:
        route = _locked(route_id)
        change.before = route_json(route)
        _save(route, facts, chosen)
        change.about("route", route.pk, route.name)
        change.after = route_json(route)
        if change.before == change.after:
            change.nothing_changed()
    return route


def route_delete(*, tenant: Tenant, route_id: UUID, actor: Actor) -> None:
    """Raises NotFound."""
    with tenant_change(tenant=tenant, actor=actor, action="route.delete") as change:
        route = _locked(route_id)
        change.about("route", route.pk, route.name)
        change.before = route_json(route)
        route.delete()


def _locked(route_id: UUID) -> Route:
    route = Route.objects.select_for_update().filter(pk=route_id).first()
    if route is None:
        raise NotFound("There is no such route.", code="route_not_found")
    return route


def _chosen(tenant: Tenant, facts: RouteFacts) -> list[ModelView]:
    if not facts.targets:
        raise InvalidRequest("A route needs a target.", field="targets")
    models = models_of(tenant)
    taken = [m for m in models if facts.name in m.names()]
    if taken:
        raise Conflict(
            f"'{facts.name}' is the name of a model. Give the route a name of its own.",
            details={"field": "name"},
        )
    return [
        model_choose(models, facts.model_type, target.model, field="targets")
        for target in facts.targets
    ]


def _save(route: Route, facts: RouteFacts, chosen: Sequence[ModelView]) -> None:
    route.name, route.model_type = facts.name, facts.model_type
    route.is_enabled = facts.is_enabled
    try:
        route.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidRequest(f"{field}: {' '.join(messages)}", field=field) from None
    if Route.objects.filter(name=facts.name).exclude(pk=route.pk).exists():
        raise Conflict(f"There is a route '{facts.name}' already.", details={"field": "name"})
    route.save()
    rows = [tenant_llm_of(model) for model in chosen]
    if len({row.pk for row in rows}) < len(rows):
        raise InvalidRequest("A model stands in the targets twice.", field="targets")
    route.targets.all().delete()
    RouteTarget.objects.bulk_create(
        RouteTarget(route=route, tenant_llm=row, weight=target.weight, priority=target.priority)
        for row, target in zip(rows, facts.targets, strict=True)
    )
