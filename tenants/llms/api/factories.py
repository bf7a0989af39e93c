"""GET /llm/factories: what a tenant can add."""

from typing import Any

from django.templatetags.static import static
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from providers.selectors import CatalogFactory, factory_list
from tenants.llms.api.base import TenantView
from tenants.llms.api.schema import enveloped


class CredentialFieldSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    is_secret = serializers.BooleanField()
    is_required = serializers.BooleanField()
    pattern = serializers.CharField(allow_blank=True)
    placeholder = serializers.CharField(allow_blank=True)
    help = serializers.CharField(allow_blank=True)


class RegionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    base_urls = serializers.DictField(
        child=serializers.CharField(), help_text="By model type: what to send as api_base."
    )


class FactorySerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    logo = serializers.CharField(help_text="Path of an SVG on this host, or initials.")
    tags = serializers.CharField(help_text="Comma-separated.")
    status = serializers.CharField(help_text='"1": active.')
    rank = serializers.CharField(help_text="The highest stands first.")
    model_types = serializers.ListField(child=serializers.CharField())
    credential_fields = CredentialFieldSerializer(many=True)
    regions = RegionSerializer(many=True)
    is_local = serializers.BooleanField(help_text="Self-hosted: a key is optional.")
    base_url_required = serializers.BooleanField()
    docs_url = serializers.CharField(allow_blank=True)


class FactoriesView(TenantView):
    @extend_schema(
        operation_id="factories",
        summary="Active factories, highest rank first",
        responses=enveloped("Factories", FactorySerializer(many=True)),
    )
    def get(self, request: Request) -> Response:
        return Response([factory_json(factory) for factory in factory_list()])


def factory_json(factory: CatalogFactory) -> dict[str, Any]:
    return {
        "name": factory.name,
        "logo": static(factory.logo) if factory.logo.endswith(".svg") else factory.logo,
        "tags": ",".join(factory.tags),
        "status": "1" if factory.is_active else "0",
        "rank": str(factory.rank),
        "model_types": [t.value for t in factory.model_types],
        "credential_fields": [dict(field) for field in factory.credential_fields],
        "regions": [dict(region) for region in factory.regions],
        "is_local": factory.is_local,
        "base_url_required": factory.base_url_required,
        "docs_url": factory.docs_url,
    }
