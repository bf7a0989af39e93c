"""/llm/limits: requests and tokens a minute, and calls at once."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.envelope import done
from tenants.limits.models import MAX_MODEL_LENGTH
from tenants.limits.selectors import limit_get, limit_list
from tenants.limits.services.limits import (
    MAX_PER_MINUTE,
    LimitFacts,
    limit_create,
    limit_delete,
    limit_update,
)
from tenants.limits.services.scopes import ScopeFacts
from tenants.llms.api.base import TenantView
from tenants.llms.api.fields import LineField
from tenants.llms.api.schema import done_with, enveloped, page_of, page_parameters


def _number(help_text: str) -> Any:
    return serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=MAX_PER_MINUTE,
        help_text=help_text,
    )


class LimitFactsSerializer(serializers.Serializer[Any]):
    requests_per_minute = _number("In any 60 seconds; null: not limited.")
    tokens_per_minute = _number("Input and output, in any 60 seconds; null: not limited.")
    concurrency = _number("Calls that run at once; null: not limited.")


class ScopeSerializer(serializers.Serializer[Any]):
    access_token_id = serializers.UUIDField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Only for this token's calls; null: for all.",
    )
    model = LineField(
        required=False,
        allow_blank=True,
        default="",
        max_length=MAX_MODEL_LENGTH,
        help_text="Only for this model's calls, such as `gpt-4@OpenAI`; empty: for all.",
    )


class NewLimitSerializer(ScopeSerializer, LimitFactsSerializer):
    pass


class LimitUsedSerializer(serializers.Serializer[Any]):
    requests = serializers.IntegerField(allow_null=True)
    tokens = serializers.IntegerField(allow_null=True)
    running = serializers.IntegerField(allow_null=True)


class LimitSerializer(NewLimitSerializer):
    id = serializers.UUIDField()
    is_plans = serializers.BooleanField(help_text="Of the tenant's plan: the operator's to change.")
    used = LimitUsedSerializer(help_text="In the last minute, and now; null: not limited.")


class LimitsView(TenantView):
    @extend_schema(
        operation_id="limits_list",
        summary="The limits of the tenant's plan, and its own",
        parameters=page_parameters(),
        responses=enveloped("LimitList", page_of("Limit", LimitSerializer)),
    )
    def get(self, request: Request) -> Response:
        return self.paged(limit_list(tenant=self.tenant))

    @extend_schema(
        operation_id="limits_create",
        summary="Add a limit; it holds from the next call on",
        request=NewLimitSerializer,
        responses=done_with("LimitCreate", {"limit": LimitSerializer()}, 400, 404, 409),
    )
    def post(self, request: Request) -> Response:
        body = self.validated(NewLimitSerializer)
        row = limit_create(
            tenant=self.tenant,
            scope=ScopeFacts(body.pop("access_token_id"), body.pop("model")),
            facts=LimitFacts(**body),
            actor=self.principal.actor,
        )
        return Response(done(limit=limit_get(tenant=self.tenant, limit_id=row.pk)))


class LimitView(TenantView):
    @extend_schema(
        operation_id="limits_get",
        summary="One limit",
        responses=enveloped("Limit", LimitSerializer(), 404),
    )
    def get(self, request: Request, limit_id: UUID) -> Response:
        return Response(limit_get(tenant=self.tenant, limit_id=limit_id))

    @extend_schema(
        operation_id="limits_change",
        summary="Change the figures of a limit of the tenant's own",
        request=LimitFactsSerializer(partial=True),
        responses=done_with("LimitChange", {"limit": LimitSerializer()}, 400, 404),
    )
    def patch(self, request: Request, limit_id: UUID) -> Response:
        known = limit_get(tenant=self.tenant, limit_id=limit_id)
        wanted = self.validated(LimitFactsSerializer, partial=True)
        figures = {name: known[name] for name in LimitFactsSerializer().get_fields()}
        limit_update(
            tenant=self.tenant,
            limit_id=limit_id,
            facts=LimitFacts(**(figures | wanted)),
            actor=self.principal.actor,
        )
        return Response(done(limit=limit_get(tenant=self.tenant, limit_id=limit_id)))

    @extend_schema(
        operation_id="limits_delete",
        summary="Remove a limit of the tenant's own",
        responses=done_with("LimitDelete", {}, 404),
    )
    def delete(self, request: Request, limit_id: UUID) -> Response:
        limit_delete(tenant=self.tenant, limit_id=limit_id, actor=self.principal.actor)
        return Response(done())
