"""GET and PUT /llm/defaults: the model that answers where a call names none."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.base.errors import InvalidRequest
from llmhub.base.model_types import ModelType
from llmhub.envelope import done
from tenants.llms.api.base import TenantView
from tenants.llms.api.fields import LineField
from tenants.llms.api.schema import done_with, enveloped
from tenants.llms.selectors.defaults import default_names
from tenants.llms.services.defaults import defaults_set


class DefaultsSerializer(serializers.Serializer[Any]):
    """A model's name per type, such as `gpt-4@OpenAI`; empty clears, left out keeps."""

    chat = LineField(required=False, allow_blank=True, max_length=600)
    embedding = LineField(required=False, allow_blank=True, max_length=600)
    rerank = LineField(required=False, allow_blank=True, max_length=600)
    image2text = LineField(required=False, allow_blank=True, max_length=600)
    speech2text = LineField(required=False, allow_blank=True, max_length=600)
    tts = LineField(required=False, allow_blank=True, max_length=600)
    image = LineField(required=False, allow_blank=True, max_length=600)
    moderation = LineField(required=False, allow_blank=True, max_length=600)


class DefaultsView(TenantView):
    @extend_schema(
        operation_id="defaults",
        summary="The default model per type; empty where there is none",
        responses=enveloped("Defaults", DefaultsSerializer()),
    )
    def get(self, request: Request) -> Response:
        return Response(default_names(tenant=self.tenant))

    @extend_schema(
        operation_id="defaults_set",
        summary="Set or clear default models",
        request=DefaultsSerializer,
        responses=done_with("DefaultsSet", {"defaults": DefaultsSerializer()}, 400, 404, 422),
    )
    def put(self, request: Request) -> Response:
        unknown = sorted(set(request.data) - set(ModelType))
        if unknown:
            raise InvalidRequest(
                f"'{unknown[0][:40]}' is no model type. Use {', '.join(ModelType)}.",
                field="model_type",
            )
        body = self.validated(DefaultsSerializer)
        names = {ModelType(model_type): name for model_type, name in body.items()}
        defaults_set(tenant=self.tenant, names=names, actor=self.principal.actor)
        return Response(done(defaults=default_names(tenant=self.tenant)))
