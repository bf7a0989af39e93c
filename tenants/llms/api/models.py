"""/llm/add_llm, delete_llm, enable_llm, list and my_llms: the tenant's models."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.envelope import done
from tenants.llms.api.base import TenantView
from tenants.llms.api.connections import ConnectionSerializer, connection_details
from tenants.llms.api.fields import ApiKeyField, ConnectionNameField, ModelTypeField, NameField
from tenants.llms.api.price_field import PriceField, figures_of
from tenants.llms.api.schema import ProbeSerializer, done_with, enveloped
from tenants.llms.selectors.tenant_llms import configured_models, used_models
from tenants.llms.services.added_models import ModelRequest, llm_add
from tenants.llms.services.connections import DEFAULT_NAME
from tenants.llms.services.tenant_llms import (
    ModelSelection,
    tenant_llm_delete,
    tenant_llm_set_status,
)

MAX_TOKENS = 100_000_000


class AddLLMSerializer(serializers.Serializer[Any]):
    llm_factory = NameField()
    llm_name = NameField()
    model_type = ModelTypeField()
    api_key = ApiKeyField(required=False, default="")
    api_base = serializers.CharField(required=False, allow_blank=True, max_length=2048, default="")
    max_tokens = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=MAX_TOKENS
    )
    connection = ConnectionNameField(required=False, default=DEFAULT_NAME)
    price = PriceField(required=False, help_text="What you pay; else the catalog's price holds.")


class SelectionSerializer(serializers.Serializer[Any]):
    llm_factory = NameField()
    llm_name = NameField()
    model_type = ModelTypeField(required=False)
    connection = ConnectionNameField(required=False, default="")

    def to_selection(self) -> ModelSelection:
        body = self.validated_data
        return ModelSelection(
            llm_factory=body["llm_factory"],
            llm_name=body["llm_name"],
            model_type=body.get("model_type"),
            connection_name=body["connection"],
        )


class DeleteLLMSerializer(SelectionSerializer):
    force = serializers.BooleanField(required=False, default=False)


class EnableLLMSerializer(SelectionSerializer):
    status = serializers.ChoiceField(
        choices=["0", "1"],
        error_messages={"invalid_choice": '\'{input}\' is no status. Use "1" (on) or "0" (off).'},
    )


class ListQuerySerializer(serializers.Serializer[Any]):
    model_type = ModelTypeField(required=False, allow_blank=True)


class MyLLMsQuerySerializer(serializers.Serializer[Any]):
    include_details = serializers.BooleanField(required=False, default=False)


class ListedLLMSerializer(serializers.Serializer[Any]):
    llm_name = serializers.CharField()
    model_type = serializers.CharField()
    fid = serializers.CharField(help_text="The factory's name.")
    available = serializers.BooleanField(help_text="Would a call be admitted now?")
    status = serializers.CharField(help_text='"1": switched on.')
    reason = serializers.CharField(help_text="Why it is not available.", allow_blank=True)
    connection = serializers.CharField()
    is_shared = serializers.BooleanField(help_text="Granted by the operator.")
    max_tokens = serializers.IntegerField(allow_null=True)


class UsedLLMSerializer(serializers.Serializer[Any]):
    """What follows `used_token` is there with include_details alone."""

    type = serializers.CharField()
    name = serializers.CharField()
    used_token = serializers.IntegerField()
    api_base = serializers.CharField(required=False, allow_blank=True)
    max_tokens = serializers.IntegerField(required=False, allow_null=True)
    status = serializers.CharField(required=False)
    connection = serializers.CharField(required=False)
    is_shared = serializers.BooleanField(required=False)
    price = serializers.DictField(
        required=False, child=serializers.CharField(), help_text="In force now; empty: unknown."
    )
    price_source = serializers.CharField(
        required=False, allow_blank=True, help_text="tenant, operator, or the catalog's."
    )
    state = serializers.CharField(required=False)
    checked_at = serializers.DateTimeField(required=False, allow_null=True)


class UsedFactorySerializer(serializers.Serializer[Any]):
    tags = serializers.CharField(help_text="Comma-separated.")
    llm = UsedLLMSerializer(many=True)


class AddLLMView(TenantView):
    @extend_schema(
        operation_id="add_llm",
        summary="Test one model and store it",
        request=AddLLMSerializer,
        responses=done_with(
            "AddLLM",
            {
                "connection": ConnectionSerializer(),
                "probes": ProbeSerializer(many=True),
                "notes": serializers.ListField(child=serializers.CharField()),
            },
            *(400, 404, 409, 422),
        ),
    )
    def post(self, request: Request) -> Response:
        body = self.validated(AddLLMSerializer)
        body["connection_name"] = body.pop("connection")
        if (price := body.pop("price", None)) is not None:
            body["figures"] = figures_of(price)
        asked = ModelRequest(**body)
        added = llm_add(tenant=self.tenant, request=asked, actor=self.principal.actor)
        return Response(
            done(
                connection=connection_details(added.connection),
                probes=added.verdict.as_json(),
                notes=list(added.notes),
            )
        )


class DeleteLLMView(TenantView):
    @extend_schema(
        operation_id="delete_llm",
        summary="Remove a model",
        request=DeleteLLMSerializer,
        responses=done_with(
            "DeleteLLM", {"models_removed": serializers.IntegerField()}, 400, 404, 409
        ),
    )
    def post(self, request: Request) -> Response:
        serializer = DeleteLLMSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        count = tenant_llm_delete(
            tenant=self.tenant,
            selection=serializer.to_selection(),
            is_forced=serializer.validated_data["force"],
            actor=self.principal.actor,
        )
        return Response(done(models_removed=count))


class EnableLLMView(TenantView):
    @extend_schema(
        operation_id="enable_llm",
        summary="Switch a model on or off",
        request=EnableLLMSerializer,
        responses=done_with("EnableLLM", {"models": serializers.IntegerField()}, 400, 404),
    )
    def post(self, request: Request) -> Response:
        serializer = EnableLLMSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        count = tenant_llm_set_status(
            tenant=self.tenant,
            selection=serializer.to_selection(),
            is_enabled=serializer.validated_data["status"] == "1",
            actor=self.principal.actor,
        )
        return Response(done(models=count))


class ListView(TenantView):
    @extend_schema(
        operation_id="list",
        summary="What can be called, by factory",
        parameters=[ListQuerySerializer],
        responses=enveloped(
            "List", serializers.DictField(child=ListedLLMSerializer(many=True)), 400
        ),
    )
    def get(self, request: Request) -> Response:
        wanted = self.query(ListQuerySerializer).get("model_type")
        return Response(configured_models(tenant=self.tenant, model_type=wanted or None))


class MyLLMsView(TenantView):
    @extend_schema(
        operation_id="my_llms",
        summary="The tenant's models and their used tokens, by factory",
        parameters=[MyLLMsQuerySerializer],
        responses=enveloped("MyLLMs", serializers.DictField(child=UsedFactorySerializer()), 400),
    )
    def get(self, request: Request) -> Response:
        has_details = self.query(MyLLMsQuerySerializer)["include_details"]
        return Response(used_models(tenant=self.tenant, has_details=has_details))
