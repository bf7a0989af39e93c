"""POST /llm/set_price: what a tenant pays for a model of its own."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.envelope import done
from tenants.llms.api.base import TenantView
from tenants.llms.api.models import SelectionSerializer
from tenants.llms.api.price_field import PriceField, figures_of
from tenants.llms.api.schema import done_with
from tenants.llms.services.tenant_llms import tenant_llm_set_price


class SetPriceSerializer(SelectionSerializer):
    price = PriceField(allow_null=True)


class SetPriceView(TenantView):
    @extend_schema(
        operation_id="set_price",
        summary="Set or clear the price of a model of one's own, from now on",
        request=SetPriceSerializer,
        responses=done_with("SetPrice", {"models": serializers.IntegerField()}, 400, 404, 409),
    )
    def post(self, request: Request) -> Response:
        serializer = SetPriceSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        count = tenant_llm_set_price(
            tenant=self.tenant,
            selection=serializer.to_selection(),
            figures=figures_of(serializer.validated_data["price"]),
            actor=self.principal.actor,
        )
        return Response(done(models=count))
