"""GET and PATCH /llm/settings: time zone, retention, and whether prompts are kept."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.base.errors import InvalidRequest
from llmhub.envelope import done
from tenants.llms.api.base import TenantView
from tenants.llms.api.fields import LineField
from tenants.llms.api.schema import done_with, enveloped
from tenants.usage.settings import MAX_DAYS, NAMES, ledger_settings, ledger_settings_change


class LedgerSettingsSerializer(serializers.Serializer[Any]):
    time_zone = LineField(max_length=64, help_text="IANA name; your days begin at its midnight.")
    event_retention_days = serializers.IntegerField(
        min_value=1,
        max_value=MAX_DAYS,
        allow_null=True,
        help_text="How long single requests are kept; null: as the platform does. Sums stay.",
    )
    is_prompt_logging = serializers.BooleanField(
        help_text="Keep prompts and answers, encrypted with your key."
    )
    prompt_retention_days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS)


class LedgerSettingsAnswerSerializer(LedgerSettingsSerializer):
    default_event_retention_days = serializers.IntegerField()
    events_kept_since = serializers.DateField(
        allow_null=True, help_text="Events of earlier days (UTC) were dropped."
    )


class LedgerSettingsView(TenantView):
    @extend_schema(
        operation_id="settings",
        summary="Time zone, retention, and whether prompts are kept",
        responses=enveloped("Settings", LedgerSettingsAnswerSerializer()),
    )
    def get(self, request: Request) -> Response:
        return Response(ledger_settings(self.tenant))

    @extend_schema(
        operation_id="settings_change",
        summary="Change them; what is left out stays",
        request=LedgerSettingsSerializer(partial=True),
        responses=done_with("SettingsChange", {"settings": LedgerSettingsAnswerSerializer()}, 400),
    )
    def patch(self, request: Request) -> Response:
        unknown = sorted(set(request.data) - set(NAMES))
        if unknown:
            raise InvalidRequest(
                f"'{unknown[0][:40]}' is no setting. There are {', '.join(NAMES)}.",
                field=unknown[0][:40],
            )
        values = self.validated(LedgerSettingsSerializer, partial=True)
        ledger_settings_change(tenant=self.tenant, values=values, actor=self.principal.actor)
        return Response(done(settings=ledger_settings(self.tenant)))
