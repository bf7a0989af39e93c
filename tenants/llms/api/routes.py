"""/llm/routes: model names of the tenant's own."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.base.model_types import ModelType
from llmhub.envelope import done
from tenants.llms.api.base import TenantView
from tenants.llms.api.fields import LineField, ModelTypeField
from tenants.llms.api.schema import done_with, enveloped, page_of, page_parameters
from tenants.llms.selectors.routes import route_get, route_list
from tenants.llms.services.routes import (
    RouteFacts,
    TargetFacts,
    route_create,
    route_delete,
    route_update,
)


class TargetSerializer(serializers.Serializer[Any]):
    model = LineField(max_length=600, help_text="Such as `gpt-4@OpenAI`.")
    weight = serializers.IntegerField(required=False, default=1, min_value=1, max_value=1000)
    priority = serializers.IntegerField(required=False, default=0, min_value=0, max_value=100)


class RouteSerializer(serializers.Serializer[Any]):
    name = serializers.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._:-]*$",
        max_length=128,
        help_text="Letters, digits and . _ : - after a letter or digit.",
    )
    model_type = ModelTypeField()
    targets = serializers.ListField(child=TargetSerializer(), allow_empty=False, max_length=20)
    is_enabled = serializers.BooleanField(required=False, default=True)


class StoredRouteSerializer(RouteSerializer):
    id = serializers.UUIDField()


_FAILURES = (400, 404, 409, 422)


class RoutesView(TenantView):
    @extend_schema(
        operation_id="routes_list",
        summary="The tenant's routes",
        parameters=page_parameters(),
        responses=enveloped("RouteList", page_of("Route", StoredRouteSerializer)),
    )
    def get(self, request: Request) -> Response:
        return self.paged(route_list(tenant=self.tenant))

    @extend_schema(
        operation_id="routes_create",
        summary="Add a route",
        request=RouteSerializer,
        responses=done_with("RouteCreate", {"route": StoredRouteSerializer()}, *_FAILURES),
    )
    def post(self, request: Request) -> Response:
        facts = _facts(self.validated(RouteSerializer))
        route = route_create(tenant=self.tenant, facts=facts, actor=self.principal.actor)
        return Response(done(route=route_get(tenant=self.tenant, route_id=route.pk)))


class RouteView(TenantView):
    @extend_schema(
        operation_id="routes_get",
        summary="One route",
        responses=enveloped("Route", StoredRouteSerializer(), 404),
    )
    def get(self, request: Request, route_id: UUID) -> Response:
        return Response(route_get(tenant=self.tenant, route_id=route_id))

    @extend_schema(
        operation_id="routes_change",
        summary="Change a route; targets that are sent take the place of the old ones",
        request=RouteSerializer(partial=True),
        responses=done_with("RouteChange", {"route": StoredRouteSerializer()}, *_FAILURES),
    )
    def patch(self, request: Request, route_id: UUID) -> Response:
        known = route_get(tenant=self.tenant, route_id=route_id)
        wanted = self.validated(RouteSerializer, partial=True)
        route_update(
            tenant=self.tenant,
            route_id=route_id,
            facts=_facts(known | wanted),
            actor=self.principal.actor,
        )
        return Response(done(route=route_get(tenant=self.tenant, route_id=route_id)))

    @extend_schema(
        operation_id="routes_delete",
        summary="Remove a route",
        responses=done_with("RouteDelete", {}, 404),
    )
    def delete(self, request: Request, route_id: UUID) -> Response:
        route_delete(tenant=self.tenant, route_id=route_id, actor=self.principal.actor)
        return Response(done())


def _facts(body: dict[str, Any]) -> RouteFacts:
    return RouteFacts(
        name=body["name"],
        model_type=ModelType(body["model_type"]),
        targets=tuple(TargetFacts(**target) for target in body["targets"]),
        is_enabled=body["is_enabled"],
    )
