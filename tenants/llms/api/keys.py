"""POST /llm/set_api_key and /llm/delete_factory: a whole provider at once."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.envelope import done
from tenants.llms.api.base import TenantView
from tenants.llms.api.connections import key_result_json, saved_connection
from tenants.llms.api.fields import ApiKeyField, ConnectionNameField, NameField
from tenants.llms.api.schema import done_with
from tenants.llms.services.api_keys import KeyRequest, api_key_set
from tenants.llms.services.connections import DEFAULT_NAME, factory_delete


class SetApiKeySerializer(serializers.Serializer[Any]):
    llm_factory = NameField()
    api_key = ApiKeyField()
    api_base = serializers.CharField(required=False, allow_blank=True, max_length=2048, default="")
    connection = ConnectionNameField(required=False, default=DEFAULT_NAME)
    verify_only = serializers.BooleanField(required=False, default=False)


class DeleteFactorySerializer(serializers.Serializer[Any]):
    llm_factory = NameField()
    force = serializers.BooleanField(required=False, default=False)


class SetApiKeyView(TenantView):
    @extend_schema(
        operation_id="set_api_key",
        summary="Test a provider's key and store it with the provider's models",
        request=SetApiKeySerializer,
        responses=done_with("SetApiKey", saved_connection(), 400, 404, 422),
    )
    def post(self, request: Request) -> Response:
        body = self.validated(SetApiKeySerializer)
        asked = KeyRequest(
            llm_factory=body["llm_factory"],
            api_key=body["api_key"],
            api_base=body["api_base"],
            connection_name=body["connection"],
            is_verified_only=body["verify_only"],
        )
        result = api_key_set(tenant=self.tenant, request=asked, actor=self.principal.actor)
        return Response(done(**key_result_json(result)))


class DeleteFactoryView(TenantView):
    @extend_schema(
        operation_id="delete_factory",
        summary="Remove a provider's connections and models",
        request=DeleteFactorySerializer,
        responses=done_with(
            "DeleteFactory", {"connections_removed": serializers.IntegerField()}, 400, 404, 409
        ),
    )
    def post(self, request: Request) -> Response:
        body = self.validated(DeleteFactorySerializer)
        count = factory_delete(
            tenant=self.tenant,
            llm_factory=body["llm_factory"],
            is_forced=body["force"],
            actor=self.principal.actor,
        )
        return Response(done(connections_removed=count))
