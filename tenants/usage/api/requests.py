"""GET /llm/requests: the last requests with their attempts, and one of them explained."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from providers.billing import CostLine
from tenants.llms.api.base import TenantView
from tenants.llms.api.fields import ConnectionNameField, LineField, ModelTypeField, NameField
from tenants.llms.api.schema import enveloped
from tenants.models import Scope
from tenants.selectors.access_tokens import token_names
from tenants.usage.models import UsageEvent
from tenants.usage.requests import (
    AttemptBill,
    RequestDetails,
    RequestQuery,
    RequestRow,
    request_get,
    request_list,
)
from tenants.usage.sums import KINDS

MAX_LIMIT = 200
_FILTERS = {
    "llm_factory": "llm_factory",
    "llm_name": "llm_name",
    "model_type": "model_type",
    "connection": "connection_name",
    "route": "route",
    "token": "access_token_id",
    "status": "result_status",
    "request_id": "request_id",
}


class RequestsQuerySerializer(serializers.Serializer[Any]):
    llm_factory = NameField(required=False)
    llm_name = NameField(required=False, help_text="The model that answered, or was tried last.")
    model_type = ModelTypeField(required=False)
    connection = ConnectionNameField(required=False)
    route = NameField(required=False)
    token = serializers.UUIDField(required=False)
    status = serializers.IntegerField(
        required=False, min_value=0, max_value=999, help_text="As the caller was answered."
    )
    error = LineField(
        required=False, max_length=64, help_text="A kind, such as timeout, or the answer's code."
    )
    is_failed = serializers.BooleanField(required=False, allow_null=True, default=None)
    request_id = serializers.UUIDField(required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False, help_text="Not included.")
    cursor = serializers.UUIDField(required=False, help_text="`next` of the page before.")
    limit = serializers.IntegerField(required=False, default=50, min_value=1, max_value=MAX_LIMIT)


class TriedSerializer(serializers.Serializer[Any]):
    """An attempt that reached a provider."""

    attempt = serializers.IntegerField()
    at = serializers.DateTimeField()
    llm_factory = serializers.CharField()
    connection = serializers.CharField()
    is_shared = serializers.BooleanField()
    llm_name = serializers.CharField()
    http_status = serializers.IntegerField(help_text="The provider's; 0: no reply.")
    error_kind = serializers.CharField(allow_blank=True)
    latency_ms = serializers.IntegerField()
    first_byte_ms = serializers.IntegerField(allow_null=True)
    usage = serializers.DictField(child=serializers.IntegerField(), help_text="What was used.")
    is_estimated = serializers.BooleanField(help_text="Counted by the hub.")
    is_usage_refused = serializers.BooleanField(help_text="What was reported cannot be true.")
    cost_usd = serializers.CharField(allow_null=True, help_text="null: it has no price.")
    price_source = serializers.CharField(allow_blank=True)


class RequestSerializer(serializers.Serializer[Any]):
    request_id = serializers.UUIDField()
    at = serializers.DateTimeField()
    endpoint = serializers.CharField()
    model_asked = serializers.CharField(allow_blank=True)
    route = serializers.CharField(allow_blank=True)
    model_type = serializers.CharField()
    token = serializers.UUIDField(allow_null=True)
    token_name = serializers.CharField(allow_blank=True)
    is_streamed = serializers.BooleanField()
    status = serializers.IntegerField(help_text="As answered; 499: the caller had gone.")
    code = serializers.CharField(allow_blank=True, help_text="The error's, as answered.")
    cost_usd = serializers.CharField(allow_null=True, help_text="null: a part has no price.")
    attempts = TriedSerializer(many=True)


class CostLineSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    amount = serializers.IntegerField()
    figure = serializers.CharField(help_text="Of the price, such as input_usd_per_mtok.")
    usd = serializers.CharField()
    cost_usd = serializers.CharField()


class BilledSerializer(TriedSerializer):
    cost_lines = CostLineSerializer(
        many=True, help_text="Empty where the price of that time is not known any more."
    )


class TextsSerializer(serializers.Serializer[Any]):
    request = serializers.CharField(help_text="The body, as JSON.")
    answer = serializers.CharField()
    is_cut = serializers.BooleanField()


class RequestDetailsSerializer(RequestSerializer):
    attempts = BilledSerializer(many=True)
    explanation = serializers.ListField(child=serializers.CharField())
    texts = TextsSerializer(
        allow_null=True, help_text="Where the tenant keeps them, for its managers."
    )


class RequestPageSerializer(serializers.Serializer[Any]):
    next = serializers.UUIDField(allow_null=True, help_text="The cursor of the next page.")
    items = RequestSerializer(many=True)


class RequestsView(TenantView):
    @extend_schema(
        operation_id="requests",
        summary="The last requests with their attempts, the latest first",
        parameters=[RequestsQuerySerializer],
        responses=enveloped("Requests", RequestPageSerializer(), 400),
    )
    def get(self, request: Request) -> Response:
        wanted = self.query(RequestsQuerySerializer)
        query = RequestQuery(
            filters={column: wanted[n] for n, column in _FILTERS.items() if n in wanted},
            error=wanted.get("error", ""),
            is_failed=wanted["is_failed"],
            since=wanted.get("since"),
            until=wanted.get("until"),
            before=wanted.get("cursor"),
        )
        rows, has_more = request_list(self.tenant, query, limit=wanted["limit"])
        names = token_names(self.tenant)
        return Response(
            {
                "next": rows[-1].result.pk if has_more else None,
                "items": [_request(row, names) for row in rows],
            }
        )


class RequestView(TenantView):
    @extend_schema(
        operation_id="request",
        summary="One request: what was tried and why, and what it cost",
        responses=enveloped("Request", RequestDetailsSerializer(), 404),
    )
    def get(self, request: Request, request_id: UUID) -> Response:
        details = request_get(self.tenant, request_id)
        may_see_texts = self.principal.may(Scope.MANAGE)
        return Response(_details(details, token_names(self.tenant), may_see_texts))


def _request(row: RequestRow, names: Mapping[UUID, str]) -> dict[str, Any]:
    result = row.result
    costs = [attempt.cost_usd for attempt in (*row.attempts, result)[: len(row.attempts) or 1]]
    known = [cost for cost in costs if cost is not None]
    token_id = result.access_token_id
    return {
        "request_id": result.request_id,
        "at": (row.attempts or (result,))[0].at,
        "endpoint": result.endpoint,
        "model_asked": result.model_asked,
        "route": result.route,
        "model_type": result.model_type,
        "token": token_id,
        "token_name": names.get(token_id, "") if token_id else "",
        "is_streamed": result.is_streamed,
        "status": result.http_status if result.result_status is None else result.result_status,
        "code": result.result_code,
        "cost_usd": f"{sum(known):.9f}" if len(known) == len(costs) else None,
        "attempts": [_attempt(attempt) for attempt in row.attempts],
    }


def _attempt(event: UsageEvent) -> dict[str, Any]:
    return {
        "attempt": event.attempt,
        "at": event.at,
        "llm_factory": event.llm_factory,
        "connection": event.connection_name,
        "is_shared": event.is_shared,
        "llm_name": event.llm_name,
        "http_status": event.http_status,
        "error_kind": event.error_kind,
        "latency_ms": event.latency_ms,
        "first_byte_ms": event.first_byte_ms,
        "usage": {kind: count for kind in KINDS if (count := getattr(event, kind))},
        "is_estimated": event.is_estimated,
        "is_usage_refused": event.is_usage_refused,
        "cost_usd": None if event.cost_usd is None else f"{event.cost_usd:.9f}",
        "price_source": event.price_source,
    }


def _details(
    details: RequestDetails, names: Mapping[UUID, str], may_see_texts: bool
) -> dict[str, Any]:
    """What people have said is more than what was used: not everybody who may read sees it."""
    texts = details.texts if may_see_texts else None
    return {
        **_request(details.row, names),
        "attempts": [
            {**_attempt(b.attempt), "cost_lines": [_line(line) for line in b.lines]}
            for b in details.bills
        ],
        "explanation": _explanation(details),
        "texts": None
        if texts is None
        else {"request": texts.request, "answer": texts.answer, "is_cut": texts.is_cut},
    }


def _line(line: CostLine) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "amount": line.amount,
        "figure": line.figure,
        "usd": f"{line.usd:f}",
        "cost_usd": f"{line.cost_usd.normalize():f}",
    }


def _explanation(details: RequestDetails) -> list[str]:
    """For people: each step in a sentence."""
    result = details.row.result
    asked = f"'{result.model_asked}'" if result.model_asked else "no model: the default"
    by_route = f", a route of yours ({result.route})" if result.route else ""
    first = f"The caller asked {result.endpoint or 'the gateway'} for {asked}{by_route}."
    tried = [_outcome(bill) for bill in details.bills]
    if not tried:
        tried = ["No provider was asked."]
    return [first, *tried, _answer(result)]


def _outcome(bill: AttemptBill) -> str:
    event = bill.attempt
    name = f"{event.llm_name}@{event.connection_name}@{event.llm_factory}"
    if not event.error_kind:
        return f"{event.attempt}. {name} answered after {event.latency_ms} ms."
    said = f"HTTP {event.http_status}" if event.http_status else "no reply"
    return (
        f"{event.attempt}. {name} failed after {event.latency_ms} ms: {event.error_kind}, {said}."
    )


def _answer(result: UsageEvent) -> str:
    if result.result_code:
        return f"The caller was answered {result.result_status} {result.result_code}."
    return f"The caller was answered {result.result_status or result.http_status}."
