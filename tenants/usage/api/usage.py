"""GET /llm/usage: tokens, requests and cost by any of their dimensions."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.base.errors import InvalidRequest
from tenants.llms.api.base import TenantView
from tenants.llms.api.fields import ConnectionNameField, ModelTypeField, NameField
from tenants.llms.api.schema import enveloped
from tenants.selectors.access_tokens import token_names
from tenants.usage.api.exports import FORMATS, OnlyJSONNegotiation, export_answer, format_wanted
from tenants.usage.models import NO_ID
from tenants.usage.reports import GROUPS, SUMS, UsageQuery, usage_export, usage_report

_DEFAULT_DAYS = 30
_MAX_DAYS = 366
_FIRST_YEAR = 2000
MAX_ROWS = 10_000
"""Rows of one page, and its default: an export has them all."""

DEFAULT_GROUPS = ("day", "factory", "connection", "model", "type")
# Names of the answer, where they are not the groups' own.
_NAMED = {"factory": "llm_factory", "model": "llm_name", "type": "model_type"}
_FILTERS = {
    "llm_factory": "factory",
    "llm_name": "model",
    "model_type": "type",
    "connection": "connection",
    "token": "token",
    "status": "status",
}
_COUNTS = tuple(name for name in SUMS if name != "cost_usd")


class DayField(serializers.DateField):
    """A day on which there can be usage, and from which one can count back."""

    def to_internal_value(self, value: Any) -> date:
        day: date = super().to_internal_value(value)
        if not _FIRST_YEAR <= day.year < 9999:
            raise serializers.ValidationError(f"There is no usage before {_FIRST_YEAR}.")
        return day


class WordsField(serializers.CharField):
    """Comma-separated words of a list; `-` before one where `is_signed`."""

    def __init__(self, words: tuple[str, ...], *, is_signed: bool = False, **kwargs: Any) -> None:
        super().__init__(max_length=400, **kwargs)
        self.words = words
        self.is_signed = is_signed

    def to_internal_value(self, data: Any) -> tuple[str, ...]:  # type: ignore[override]
        asked = [word.strip() for word in super().to_internal_value(data).split(",")]
        for word in asked:
            bare = word.removeprefix("-") if self.is_signed else word
            if bare not in self.words:
                known = ", ".join(self.words)
                raise serializers.ValidationError(f"'{bare}' is not one of {known}.")
        return tuple(dict.fromkeys(asked))


class UsageQuerySerializer(serializers.Serializer[Any]):
    since = DayField(required=False, help_text="First day, in your time zone; 30 days ago.")
    until = DayField(required=False, help_text="Last day, included; today.")
    group_by = WordsField(
        GROUPS,
        required=False,
        help_text="Comma-separated, any of day, hour (UTC), factory, connection, model, type, "
        "token, status; day,factory,connection,model,type unless named.",
    )
    order_by = WordsField(
        (*GROUPS, *SUMS),
        is_signed=True,
        required=False,
        help_text="Comma-separated groups and sums, such as -cost_usd; else the latest first.",
    )
    llm_factory = NameField(required=False, allow_blank=True)
    llm_name = NameField(required=False, allow_blank=True)
    model_type = ModelTypeField(required=False, allow_blank=True)
    connection = ConnectionNameField(required=False, allow_blank=True)
    token = serializers.UUIDField(required=False)
    status = serializers.IntegerField(required=False, min_value=0, max_value=999)
    page = serializers.IntegerField(required=False, default=1, min_value=1, max_value=1_000_000)
    page_size = serializers.IntegerField(
        required=False, default=MAX_ROWS, min_value=1, max_value=MAX_ROWS
    )
    format = serializers.ChoiceField(
        required=False,
        choices=FORMATS,
        help_text="csv and jsonl are streamed and have every row; Accept says the same.",
    )


class UsageTotalsSerializer(serializers.Serializer[Any]):
    """`requests` are answers to callers; `attempts` what reached a provider."""

    requests = serializers.IntegerField()
    failed_requests = serializers.IntegerField()
    attempts = serializers.IntegerField()
    estimated_attempts = serializers.IntegerField(help_text="Counted by the hub.")
    unpriced_attempts = serializers.IntegerField(help_text="Without a price: not in cost_usd.")
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField(help_text="Inside input_tokens, as the next two.")
    cache_write_tokens = serializers.IntegerField()
    input_audio_tokens = serializers.IntegerField()
    reasoning_tokens = serializers.IntegerField(help_text="Inside output_tokens, as the next one.")
    output_audio_tokens = serializers.IntegerField()
    images = serializers.IntegerField()
    characters = serializers.IntegerField()
    audio_ms = serializers.IntegerField()
    cost_usd = serializers.CharField(help_text="A decimal number with 9 digits after the point.")


class UsageItemSerializer(UsageTotalsSerializer):
    """The sums of one group; of the first fields those that were grouped by."""

    day = serializers.DateField(required=False)
    hour = serializers.DateTimeField(required=False)
    llm_factory = serializers.CharField(required=False)
    connection = serializers.CharField(required=False)
    llm_name = serializers.CharField(required=False)
    model_type = serializers.CharField(required=False)
    token = serializers.UUIDField(required=False, allow_null=True)
    token_name = serializers.CharField(required=False)
    status = serializers.IntegerField(required=False)


class UsageSerializer(serializers.Serializer[Any]):
    since = serializers.DateField()
    until = serializers.DateField()
    time_zone = serializers.CharField(help_text="The one that days are counted in.")
    total = serializers.IntegerField(help_text="Rows on all pages.")
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()
    totals = UsageTotalsSerializer()
    items = UsageItemSerializer(many=True)


class UsageView(TenantView):
    content_negotiation_class = OnlyJSONNegotiation

    @extend_schema(
        operation_id="usage",
        summary="Tokens, requests and cost, grouped; the latest first",
        parameters=[UsageQuerySerializer],
        responses={
            **enveloped("Usage", UsageSerializer(), 400),
            (200, "text/csv"): OpenApiResponse(str, description="Every row, with a header line."),
            (200, "application/x-ndjson"): OpenApiResponse(str, description="A row in each line."),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        wanted = self.query(UsageQuerySerializer)
        query = _query(self.tenant.time_zone, wanted)
        export = format_wanted(request, wanted.get("format"))
        names = token_names(self.tenant) if "token" in query.group_by else {}
        if export != "json":
            return export_answer(
                request,
                export,
                filename=f"usage-{query.since}-{query.until}",
                columns=list(_item(dict.fromkeys(query.columns, 0), names)),
                produce=lambda write: usage_export(
                    self.tenant,
                    query,
                    lambda rows: write(
                        _item(dict(zip(query.columns, row, strict=True)), names).values()
                        for row in rows
                    ),
                ),
            )
        page, size = wanted["page"], wanted["page_size"]
        report = usage_report(self.tenant, query, limit=size, offset=(page - 1) * size)
        return Response(
            {
                "since": query.since,
                "until": query.until,
                "time_zone": self.tenant.time_zone,
                "total": report.total,
                "page": page,
                "page_size": size,
                "totals": _sums(report.totals),
                "items": [_item(row, names) for row in report.rows],
            }
        )


def _query(zone: str, wanted: Mapping[str, Any]) -> UsageQuery:
    since, until = _period(zone, wanted.get("since"), wanted.get("until"))
    group_by = wanted.get("group_by", DEFAULT_GROUPS)
    order_by = wanted.get("order_by", ())
    for name in order_by:
        if name.removeprefix("-") not in (*group_by, *SUMS):
            raise InvalidRequest(
                f"order_by: group by {name.removeprefix('-')} too.", field="order_by"
            )
    filters = {
        group: [wanted[name]]
        for name, group in _FILTERS.items()
        if wanted.get(name) not in (None, "")
    }
    return UsageQuery(since, until, group_by, filters, order_by)


def _period(zone: str, since: date | None, until: date | None) -> tuple[date, date]:
    last = until or datetime.now(ZoneInfo(zone)).date()
    first = since or last - timedelta(days=_DEFAULT_DAYS)
    if first > last:
        raise InvalidRequest("since is after until. Swap them.", field="since")
    if (last - first).days > _MAX_DAYS:
        raise InvalidRequest(f"Ask for at most {_MAX_DAYS} days at once.", field="since")
    return first, last


def _item(row: Mapping[str, Any], token_names: Mapping[Any, str]) -> dict[str, Any]:
    groups = {_NAMED.get(name, name): row[name] for name in GROUPS if name in row}
    if "token" in row:
        token_id = row["token"]
        groups["token"] = None if token_id == NO_ID else token_id
        groups["token_name"] = token_names.get(token_id, "")
    return {**groups, **_sums(row)}


def _sums(row: Mapping[str, Any]) -> dict[str, Any]:
    counts = {name: row[name] for name in _COUNTS}
    total = row["input_tokens"] + row["output_tokens"]
    return {**counts, "total_tokens": total, "cost_usd": f"{row['cost_usd']:.9f}"}
