"""GET /llm/usage: tokens and requests per model and day."""

from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.base.errors import InvalidRequest
from tenants.llms.api.base import TenantView
from tenants.llms.api.fields import ModelTypeField, NameField
from tenants.llms.api.schema import enveloped
from tenants.usage.selectors import ModelDay, usage_by_model_and_day

_DEFAULT_DAYS = 30
_MAX_DAYS = 366
_FIRST_YEAR = 2000


class DayField(serializers.DateField):
    """A day on which there can be usage, and from which one can count back."""

    def to_internal_value(self, value: Any) -> date:
        day: date = super().to_internal_value(value)
        if day.year < _FIRST_YEAR:
            raise serializers.ValidationError(f"There is no usage before {_FIRST_YEAR}.")
        return day


class UsageQuerySerializer(serializers.Serializer[Any]):
    since = DayField(required=False, help_text="First day, UTC; 30 days ago.")
    until = DayField(required=False, help_text="Last day, UTC, included; today.")
    llm_factory = NameField(required=False, default="")
    llm_name = NameField(required=False, default="")
    model_type = ModelTypeField(required=False, allow_blank=True)


class ModelDaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    llm_factory = serializers.CharField()
    connection = serializers.CharField()
    llm_name = serializers.CharField()
    model_type = serializers.CharField()
    requests = serializers.IntegerField()
    failed_requests = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class UsageSerializer(serializers.Serializer[Any]):
    since = serializers.DateField()
    until = serializers.DateField()
    totals = serializers.DictField(child=serializers.IntegerField())
    items = ModelDaySerializer(many=True)


class UsageView(TenantView):
    @extend_schema(
        operation_id="usage",
        summary="Tokens and requests per model and day, the latest day first",
        parameters=[UsageQuerySerializer],
        responses=enveloped("Usage", UsageSerializer(), 400),
    )
    def get(self, request: Request) -> Response:
        wanted = self.query(UsageQuerySerializer)
        since, until = _period(wanted.get("since"), wanted.get("until"))
        days = [
            day
            for day in usage_by_model_and_day(self.tenant, since, until)
            if wanted["llm_factory"] in ("", day.llm_factory)
            and wanted["llm_name"] in ("", day.llm_name)
            and wanted.get("model_type", "") in ("", day.model_type)
        ]
        return Response(
            {
                "since": since,
                "until": until,
                "totals": {name: sum(getattr(day, name) for day in days) for name in _SUMS},
                "items": [_day_json(day) for day in days],
            }
        )


_SUMS = ("requests", "failed_requests", "input_tokens", "output_tokens")


def _period(since: date | None, until: date | None) -> tuple[date, date]:
    last = until or timezone.now().date()
    first = since or last - timedelta(days=_DEFAULT_DAYS)
    if first > last:
        raise InvalidRequest("since is after until. Swap them.", field="since")
    if (last - first).days > _MAX_DAYS:
        raise InvalidRequest(f"Ask for at most {_MAX_DAYS} days at once.", field="since")
    return first, last


def _day_json(day: ModelDay) -> dict[str, Any]:
    return {
        "day": day.day,
        "llm_factory": day.llm_factory,
        "connection": day.connection_name,
        "llm_name": day.llm_name,
        "model_type": day.model_type,
        **{name: getattr(day, name) for name in _SUMS},
        "total_tokens": day.input_tokens + day.output_tokens,
    }
