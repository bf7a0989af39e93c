"""/llm/alerts: who is told when a budget has reached a share of its amount."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.envelope import done
from tenants.limits.services.alert_targets import (
    SavedTarget,
    alert_secret_renew,
    alert_target_get,
    alert_target_json,
    alert_target_save,
)
from tenants.llms.api.base import TenantView
from tenants.llms.api.fields import LineField
from tenants.llms.api.schema import done_with, enveloped


class NewAlertTargetSerializer(serializers.Serializer[Any]):
    emails = serializers.ListField(
        child=serializers.EmailField(max_length=254),
        required=False,
        default=list,
        max_length=20,
        help_text="Empty: the owners and admins.",
    )
    webhook_url = LineField(required=False, allow_blank=True, default="", max_length=1000)


class NothingSerializer(serializers.Serializer[Any]):
    """A body that may be left out, and is JSON where it is not."""


class AlertTargetSerializer(NewAlertTargetSerializer):
    secret_last4 = serializers.CharField()


_SAVED = {
    "alerts": AlertTargetSerializer(),
    "webhook_secret": serializers.CharField(
        allow_null=True, help_text="A new one is shown here, and never again."
    ),
}


class AlertsView(TenantView):
    @extend_schema(
        operation_id="alerts_get",
        summary="Who is told about budgets",
        responses=enveloped("Alerts", AlertTargetSerializer()),
    )
    def get(self, request: Request) -> Response:
        return Response(alert_target_json(alert_target_get(tenant=self.tenant)))

    @extend_schema(
        operation_id="alerts_set",
        summary="Say who is told about budgets; the first webhook gets a secret",
        request=NewAlertTargetSerializer,
        responses=done_with("AlertsSet", _SAVED, 400),
    )
    def put(self, request: Request) -> Response:
        body = self.validated(NewAlertTargetSerializer)
        saved = alert_target_save(tenant=self.tenant, actor=self.principal.actor, **body)
        return _answer(saved)


class AlertSecretView(TenantView):
    @extend_schema(
        operation_id="alerts_secret_renew",
        summary="Sign alerts with a new secret",
        request=None,
        responses=done_with("AlertsSecret", _SAVED),
    )
    def post(self, request: Request) -> Response:
        self.validated(NothingSerializer)
        return _answer(alert_secret_renew(tenant=self.tenant, actor=self.principal.actor))


def _answer(saved: SavedTarget) -> Response:
    secret = None if saved.secret is None else saved.secret.reveal()
    return Response(done(alerts=alert_target_json(saved.target), webhook_secret=secret))
