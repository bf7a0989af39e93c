"""Reading a tenant's routes."""

from typing import Any
from uuid import UUID

from llmhub.base.errors import NotFound
from tenants.llms.models import Route, RouteTarget, TenantLLM
from tenants.models import SharedConnection, Tenant
from tenants.tenancy import in_schema


def route_list(*, tenant: Tenant) -> list[dict[str, Any]]:
    """By name."""
    with in_schema(tenant):
        return [route_json(route) for route in Route.objects.all()]


def route_get(*, tenant: Tenant, route_id: UUID) -> dict[str, Any]:
    """Raises NotFound."""
    with in_schema(tenant):
        route = Route.objects.filter(pk=route_id).first()
        if route is None:
            raise NotFound("There is no such route.", code="route_not_found")
        return route_json(route)


def route_json(route: Route) -> dict[str, Any]:
    """In the tenant's schema. Targets stand in the order in which they are tried."""
    targets = route.targets.select_related("tenant_llm__connection")
    return {
        "id": str(route.pk),
        "name": route.name,
        "model_type": str(route.model_type),
        "is_enabled": route.is_enabled,
        "targets": [_target_json(target) for target in targets],
    }


def _target_json(target: RouteTarget) -> dict[str, Any]:
    model = target.tenant_llm
    name = f"{model.llm_name}@{_connection_name(model)}@{model.llm_factory}"
    return {"model": name, "weight": target.weight, "priority": target.priority}


def _connection_name(model: TenantLLM) -> str:
    if model.connection is not None:
        return model.connection.name
    assert model.shared_connection_id is not None
    names = SharedConnection.objects.filter(pk=model.shared_connection_id)
    return names.values_list("name", flat=True).first() or "withdrawn"
