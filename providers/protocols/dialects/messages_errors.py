"""Errors in Anthropic's words. https://docs.claude.com/en/api/errors"""

from typing import Any

from providers.protocols.failures import FailureKind

_TYPES = {
    FailureKind.BAD_REQUEST: "invalid_request_error",
    FailureKind.CONTENT_REFUSED: "invalid_request_error",
    FailureKind.NO_SUCH_MODEL: "not_found_error",
    FailureKind.RATE_LIMITED: "rate_limit_error",
    FailureKind.OUT_OF_QUOTA: "billing_error",
    FailureKind.OVERLOADED: "overloaded_error",
    FailureKind.TIMEOUT: "timeout_error",
}
_STATUSES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_type_of_kind(kind: FailureKind) -> str:
    """A key that the provider refuses is no `authentication_error`: the caller's own is good."""
    return _TYPES.get(kind, "api_error")


def error_type_of_status(http_status: int) -> str:
    default = "invalid_request_error" if 400 <= http_status < 500 else "api_error"
    return _STATUSES.get(http_status, default)


def error_object(error_type: str, message: str, **more: Any) -> dict[str, Any]:
    return {"type": "error", "error": {"type": error_type, "message": message, **more}}
