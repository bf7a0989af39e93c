"""The envelope, for the OpenAPI schema."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

JSONDict = serializers.DictField


class ErrorReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable: for programs.")
    details = JSONDict()


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


def enveloped(
    name: str, data: "serializers.Field[Any, Any, Any, Any]", *failures: int
) -> dict[int, Any]:
    """Responses whose `data` is what the view returns."""
    return {200: _success(name, {"data": data})} | _failures(failures)


def done_with(
    name: str, details: "serializers.Field[Any, Any, Any, Any]", *failures: int
) -> dict[int, Any]:
    """Responses of a write: `data` is true, the rest stands under `details`."""
    fields = {"data": serializers.BooleanField(), "details": details}
    return {200: _success(name, fields)} | _failures(failures)


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
