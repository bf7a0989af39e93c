"""/llm/tokens: the tenant's access tokens."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.envelope import done
from tenants.limits.api.budgets import BudgetSerializer
from tenants.limits.api.limits import LimitSerializer
from tenants.limits.selectors import TokenLimits, token_limits
from tenants.llms.api.base import TenantView
from tenants.llms.api.fields import LineField
from tenants.llms.api.schema import done_with, enveloped, page_of, page_parameters
from tenants.models import AccessToken, Scope
from tenants.selectors.access_tokens import token_get, token_list
from tenants.services.access_tokens import (
    ALL_SCOPES,
    TokenFacts,
    token_create,
    token_revoke,
    token_update,
)


class TokenSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    last4 = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    allowed_models = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    limits = LimitSerializer(many=True, help_text="Those that are about this token alone.")
    budgets = BudgetSerializer(many=True, help_text="Those that are about this token alone.")


class NewTokenDetailsSerializer(TokenSerializer):
    token = serializers.CharField(help_text="Shown here, and never again.")


class NewTokenSerializer(serializers.Serializer[Any]):
    name = LineField(max_length=120)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices),
        required=False,
        default=list(ALL_SCOPES),
        allow_empty=False,
    )
    allowed_models = serializers.ListField(
        child=LineField(max_length=255),
        required=False,
        default=list,
        max_length=200,
        help_text="Names of models or routes; empty allows every one.",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class TokenFilterSerializer(serializers.Serializer[Any]):
    search = serializers.CharField(required=False, default="", allow_blank=True, max_length=120)
    is_revoked = serializers.BooleanField(required=False, allow_null=True, default=None)


class TokensView(TenantView):
    @extend_schema(
        operation_id="tokens_list",
        summary="The tenant's tokens, the newest first",
        parameters=[TokenFilterSerializer, *page_parameters()],
        responses=enveloped("TokenList", page_of("Token", TokenSerializer), 400),
    )
    def get(self, request: Request) -> Response:
        wanted = self.query(TokenFilterSerializer)
        rows = token_list(tenant=self.tenant, **wanted)
        limits = token_limits(tenant=self.tenant)
        return self.paged(rows, lambda row: token_json(row, limits))

    @extend_schema(
        operation_id="tokens_create",
        summary="Issue a token; the answer is the only place that shows it",
        request=NewTokenSerializer,
        responses=done_with("TokenCreate", NewTokenDetailsSerializer().get_fields(), 400),
    )
    def post(self, request: Request) -> Response:
        facts = _facts(self.validated(NewTokenSerializer))
        self.principal.require_no_more_than(facts.scopes)
        issued = token_create(
            tenant=self.tenant,
            facts=facts,
            actor=self.principal.actor,
            created_by=self.principal.user,
        )
        return Response(done(token=issued.secret.reveal(), **token_json(issued.token, {})))


class TokenView(TenantView):
    @extend_schema(
        operation_id="tokens_get",
        summary="One token",
        responses=enveloped("Token", TokenSerializer(), 404),
    )
    def get(self, request: Request, token_id: UUID) -> Response:
        row = token_get(tenant=self.tenant, token_id=token_id)
        return Response(token_json(row, token_limits(tenant=self.tenant)))

    @extend_schema(
        operation_id="tokens_change",
        summary="Change a token's name, scopes, models or expiry",
        request=NewTokenSerializer(partial=True),
        responses=done_with("TokenChange", TokenSerializer().get_fields(), 400, 404),
    )
    def patch(self, request: Request, token_id: UUID) -> Response:
        row = token_get(tenant=self.tenant, token_id=token_id)
        known = {
            "name": row.name,
            "scopes": row.scopes,
            "allowed_models": row.allowed_models,
            "expires_at": row.expires_at,
        }
        facts = _facts(known | self.validated(NewTokenSerializer, partial=True))
        self.principal.require_no_more_than(facts.scopes)
        row = token_update(
            tenant=self.tenant, token_id=token_id, facts=facts, actor=self.principal.actor
        )
        return Response(done(**token_json(row, token_limits(tenant=self.tenant))))

    @extend_schema(
        operation_id="tokens_revoke",
        summary="Revoke a token; from its next request on it is refused",
        responses=done_with("TokenRevoke", {}, 404),
    )
    def delete(self, request: Request, token_id: UUID) -> Response:
        token_revoke(tenant=self.tenant, token_id=token_id, actor=self.principal.actor)
        return Response(done())


def token_json(row: AccessToken, limits: TokenLimits) -> dict[str, Any]:
    mine = limits.get(str(row.pk), {"limits": [], "budgets": []})
    return {
        "id": str(row.pk),
        "name": row.name,
        "last4": row.last4,
        "scopes": sorted(row.scopes),
        "allowed_models": list(row.allowed_models),
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "last_used_at": row.last_used_at,
        "created_at": row.created_at,
        **mine,
    }


def _facts(body: dict[str, Any]) -> TokenFacts:
    return TokenFacts(
        name=body["name"],
        scopes=tuple(body["scopes"]),
        allowed_models=tuple(body["allowed_models"]),
        expires_at=body["expires_at"],
    )
