"""The envelope, for the OpenAPI schema."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

AnyField = serializers.Field[Any, Any, Any, Any]
Fields = dict[str, AnyField]


class ErrorReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable: for programs.")
    details = serializers.DictField()


class ErrorSerializer(serializers.Serializer[Any]):
    retcode = serializers.IntegerField(help_text="1: it failed.")
    retmsg = serializers.CharField(help_text="What is wrong and what to do, for people.")
    data = serializers.JSONField(allow_null=True)  # type: ignore[assignment]
    error = ErrorReasonSerializer()


_FAILURES = {
    400: "A parameter is missing or malformed.",
    401: "No credential, or one that is not accepted.",
    403: "The credential does not allow this.",
    404: "There is no such thing for this tenant.",
    409: "Something refers to it, or it exists already.",
    422: "Understood, and cannot be done: the provider refused, or it is not supported yet.",
    503: "A part of the hub is away; Retry-After says when to try again.",
}


class ProbeSerializer(serializers.Serializer[Any]):
    """What one call to the provider found."""

    model = serializers.CharField()
    model_type = serializers.CharField()
    ok = serializers.BooleanField()
    latency_ms = serializers.IntegerField()
    detail = serializers.CharField(help_text="What was seen.", allow_blank=True)
    cause = serializers.CharField(help_text="The class of the failure.", allow_null=True)
    provider_message = serializers.CharField(help_text="Masked.", allow_blank=True)
    remedy = serializers.CharField(allow_blank=True)


def enveloped(name: str, data: AnyField, *failures: int) -> dict[int, Any]:
    """Responses whose `data` is what the view returns."""
    return {200: _success(name, {"data": data})} | _failures(failures)


def done_with(name: str, details: Fields, *failures: int) -> dict[int, Any]:
    """Responses of a write: `data` is true, the rest stands under `details`."""
    fields = {
        "data": serializers.BooleanField(),
        "details": inline_serializer(f"{name}Details", fields=details)
        if details
        else serializers.DictField(),
    }
    return {200: _success(name, fields)} | _failures(failures)


def page_of(name: str, item: type[serializers.Serializer[Any]]) -> AnyField:
    """One page of a list."""
    count = serializers.IntegerField
    fields: Fields = {"total": count(), "page": count(), "page_size": count()}
    return inline_serializer(f"{name}Page", fields=fields | {"items": item(many=True)})


def page_parameters() -> list[OpenApiParameter]:
    """Of every list: which page, and how long."""
    return [
        OpenApiParameter("page", int, description="From 1."),
        OpenApiParameter("page_size", int, description="At most 200; default 50."),
    ]


def _success(name: str, fields: dict[str, Any]) -> Any:
    envelope: dict[str, Any] = {
        "retcode": serializers.IntegerField(),
        "retmsg": serializers.CharField(),
    }
    return inline_serializer(f"{name}Answer", fields=envelope | fields)


def _failures(more: tuple[int, ...]) -> dict[int, Any]:
    codes = sorted({401, 403, 503, *more})
    return {c: OpenApiResponse(ErrorSerializer, description=_FAILURES[c]) for c in codes}
