"""The shape of every answer of the management API.

Success: `{"retcode": 0, "retmsg": "success", "data": ...}`; a write answers `data: true` and puts
what else is worth knowing under `details`. Failure: `{"retcode": 1, "retmsg": <what to do>,
"data": null, "error": {"code": ..., "details": {...}}}`, and the HTTP status says the same.
"""

import logging
import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from llmhub.base import errors

logger = logging.getLogger(__name__)


class Envelope(dict[str, Any]):
    """An answer that is already in its final shape."""


def succeeded(data: Any) -> Envelope:
    return Envelope(retcode=0, retmsg="success", data=data)


def done(**details: Any) -> Envelope:
    """What a write answers."""
    return Envelope(retcode=0, retmsg="success", data=True, details=details)


def failed(error: errors.HubError) -> Envelope:
    reason = {"code": error.code, "details": error.details}
    return Envelope(retcode=1, retmsg=error.message, data=None, error=reason)


class EnvelopeRenderer(BaseRenderer):
    """Wraps what a view returns, unless the view already did."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None and renderer_context and renderer_context["response"].status_code == 204:
            return b""
        whole = data if isinstance(data, Envelope) else succeeded(data)
        return orjson.dumps(whole, default=str, option=orjson.OPT_NON_STR_KEYS)


class EnvelopePagination(PageNumberPagination):
    """`?page=` and `?page_size=` (at most 200): `data: {"total", "page", "page_size", "items"}`."""

    page_size_query_param = "page_size"
    max_page_size = 200

    def get_paginated_response(self, data: Any) -> Response:
        assert self.page is not None
        assert self.request is not None
        return Response(
            {
                "total": self.page.paginator.count,
                "page": self.page.number,
                "page_size": self.get_page_size(self.request),
                "items": data,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        integer = {"type": "integer"}
        return {
            "type": "object",
            "required": ["total", "page", "page_size", "items"],
            "properties": {
                "total": integer,
                "page": integer,
                "page_size": integer,
                "items": schema,
            },
        }


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER: every exception becomes an envelope."""
    error = as_hub_error(exc)
    response = Response(failed(error), status=error.http_status)
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    header = getattr(exc, "auth_header", None)
    if error.http_status == 401:
        response["WWW-Authenticate"] = header or "Bearer"
    return response


def as_hub_error(exc: Exception) -> errors.HubError:
    """The error of our own tree that says the same; an unforeseen one is logged under an id."""
    if isinstance(exc, errors.HubError):
        return exc
    if isinstance(exc, exceptions.ValidationError):
        return _from_validation(exc.detail)
    if isinstance(exc, exceptions.APIException):
        return _from_drf(exc)
    if isinstance(exc, Http404):
        return errors.NotFound("There is nothing at this address.")
    if isinstance(exc, DjangoPermissionDenied):
        return errors.PermissionDenied("This is not allowed.")
    if isinstance(exc, RequestDataTooBig):
        return _with_status(
            errors.InvalidRequest("The body is too large.", code="body_too_large"), 413
        )
    if isinstance(exc, OperationalError | InterfaceError):
        logger.error("the database did not answer: %s", type(exc).__name__)
        return errors.ServiceUnavailable(
            "The database does not answer. Try again shortly.",
            code="database_unavailable",
            retry_after_s=5,
        )
    return unforeseen(exc)


def unforeseen(exc: BaseException) -> errors.HubError:
    """Log it with an id that the caller sees too."""
    error_id = uuid.uuid4().hex
    logger.error("unforeseen error %s", error_id, exc_info=exc)
    return errors.HubError(
        f"Something went wrong on our side. Tell your operator the id {error_id}.",
        details={"id": error_id},
    )


_DRF_CODES = {
    exceptions.ParseError: "invalid_json",
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "not_authenticated",
    exceptions.PermissionDenied: "permission_denied",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "rate_limited",
}


def _from_drf(exc: exceptions.APIException) -> errors.HubError:
    code = _DRF_CODES.get(type(exc), "invalid_request")
    message = str(exc.detail)
    if isinstance(exc, exceptions.ParseError):
        message = "The body is not valid JSON. Send an object, with Content-Type: application/json."
    wait = getattr(exc, "wait", None)
    error = errors.HubError(message, code=code, retry_after_s=int(wait) if wait else None)
    return _with_status(error, exc.status_code)


def _with_status(error: errors.HubError, status: int) -> errors.HubError:
    error.http_status = status
    return error


def _from_validation(detail: Any) -> errors.HubError:
    """Names the first missing field, else the first wrong one."""
    if not isinstance(detail, dict):
        return errors.InvalidRequest(str(_first(detail)))
    if "non_field_errors" in detail:
        return errors.InvalidRequest(str(_first(detail["non_field_errors"])))
    for field, problems in detail.items():
        if getattr(_first(problems), "code", "") in ("required", "null", "blank", "empty"):
            return errors.MissingParameter(field)
    field, problems = next(iter(detail.items()))
    return errors.InvalidRequest(f"{field}: {_first(problems)}", field=field)


def _first(problems: Any) -> Any:
    while isinstance(problems, list | dict) and problems:
        problems = problems[0] if isinstance(problems, list) else next(iter(problems.values()))
    return problems
