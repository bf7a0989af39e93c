"""What the gateway answers when it does not answer: errors in the shape of OpenAI's API.

https://platform.openai.com/docs/guides/error-codes/api-errors; error_answer.py says them in the
caller's dialect.

GatewayError (HubError)        adds OpenAI's `type` and the `param` that is at fault
├── BadRequest            400  the body or a parameter
│   ├── BodyTooLarge      413
│   ├── EncodingRefused   415
│   └── CallerStalled     408  the caller stopped sending its request
├── InvalidToken          401  says the same whatever is wrong with the token
├── BudgetExceeded        402  a hard budget of money has no room for the call
├── NotPermitted          403  the token's scopes, its models, a model that is switched off
├── NothingHere           404  no such path or model
├── WrongMethod           405
├── LimitExceeded         429  too many requests or tokens a minute, or at once
│   └── QuotaExceeded     429  a hard budget of tokens has no room for the call
├── TooBusy               503  a part of the hub is away or full
└── ProviderFailed             what the last provider said, by its kind
    └── RequestRefused    400  the caller asks for what the model's API has no words for
"""

import math
from typing import Any

import orjson

from llmhub.base.errors import HubError
from providers.protocols.failures import FailureKind, ProviderFailure

Header = tuple[bytes, bytes]


class GatewayError(HubError):
    """`type` is a class of errors in OpenAI's words; `code` is the stable name of this one.

    `is_recorded`: a call that is refused so leaves a row in the ledger, for its caller to find. Not
    where refusals come in floods.
    """

    type = "invalid_request_error"
    is_recorded = True

    def __init__(self, message: str, *, param: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.param = param


class BadRequest(GatewayError):
    code = "invalid_request"
    http_status = 400


class BodyTooLarge(BadRequest):
    code = "body_too_large"
    http_status = 413


class EncodingRefused(BadRequest):
    code = "unsupported_encoding"
    http_status = 415


class CallerStalled(BadRequest):
    code = "request_timeout"
    http_status = 408


class InvalidToken(GatewayError):
    code = "invalid_api_key"
    http_status = 401

    def __init__(self) -> None:
        super().__init__(
            "This token is not accepted: it is missing, unknown, expired or revoked. "
            "Send a hub token as `Authorization: Bearer hub_...` or `x-api-key: hub_...`."
        )


class NotPermitted(GatewayError):
    code = "permission_denied"
    http_status = 403
    type = "permission_error"


class NothingHere(GatewayError):
    code = "not_found"
    http_status = 404


class WrongMethod(GatewayError):
    code = "method_not_allowed"
    http_status = 405

    def __init__(self, allowed: str) -> None:
        super().__init__(f"This address answers to {allowed} alone.")
        self.allowed = allowed


class BudgetExceeded(GatewayError):
    code = "budget_exceeded"
    is_recorded = False
    http_status = 402
    type = "insufficient_quota"


class LimitExceeded(GatewayError):
    code = "rate_limit_exceeded"
    http_status = 429
    is_recorded = False
    type = "rate_limit_error"
    is_retryable = True


class QuotaExceeded(LimitExceeded):
    code = "quota_exceeded"
    type = "insufficient_quota"


class TooBusy(GatewayError):
    code = "service_unavailable"
    http_status = 503
    type = "server_error"
    is_retryable = True


# Status, OpenAI's type and code. The key that a provider refuses is the tenant's with its provider
# and not the caller's token, so it is no 401: SDKs would tell people to look at the wrong key.
_BY_KIND: dict[FailureKind, tuple[int, str, str]] = {
    FailureKind.BAD_REQUEST: (400, "invalid_request_error", "provider_bad_request"),
    FailureKind.CONTENT_REFUSED: (400, "invalid_request_error", "content_policy_violation"),
    FailureKind.NO_SUCH_MODEL: (404, "invalid_request_error", "model_not_found"),
    FailureKind.RATE_LIMITED: (429, "rate_limit_error", "rate_limit_exceeded"),
    FailureKind.OUT_OF_QUOTA: (429, "insufficient_quota", "insufficient_quota"),
    FailureKind.INVALID_KEY: (502, "provider_error", "provider_invalid_key"),
    FailureKind.OVERLOADED: (503, "provider_error", "provider_overloaded"),
    FailureKind.UNREACHABLE: (502, "provider_error", "provider_unreachable"),
    FailureKind.TIMEOUT: (504, "provider_error", "provider_timeout"),
    FailureKind.BAD_REPLY: (502, "provider_error", "provider_bad_reply"),
}


class ProviderFailed(GatewayError):
    """`failure` is masked already; `model` is the qualified name of what was called last."""

    def __init__(self, failure: ProviderFailure, model: str) -> None:
        status, kind, code = _BY_KIND[failure.kind]
        wait_s = failure.retry_after_s
        super().__init__(
            f"{model}: {failure.message} {failure.remedy}",
            code=code,
            retry_after_s=None if wait_s is None else math.ceil(wait_s),
        )
        self.http_status = status
        self.type = kind
        self.kind = failure.kind
        self.model = model


class RequestRefused(ProviderFailed):
    """Nothing was sent. `error` says which field it is about."""

    def __init__(self, error: HubError, model: str) -> None:
        failure = ProviderFailure(FailureKind.BAD_REQUEST, error.message)
        super().__init__(failure, model)
        self.message = f"{model}: {error.message}"
        self.code = error.code
        self.param = error.details.get("field")


def error_body(error: HubError) -> bytes:
    """`{"error": {"message", "type", "param", "code"}}`, and `id` where the log knows more."""
    content = {
        "message": error.message,
        "type": getattr(error, "type", "server_error"),
        "param": getattr(error, "param", None),
        "code": error.code,
    }
    return orjson.dumps({"error": {**content, **error.details}})


def error_headers(error: HubError) -> list[Header]:
    headers = []
    if isinstance(error, CallerStalled):
        # The rest of the request may still come, and is not the next one.
        headers.append((b"connection", b"close"))
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    if isinstance(error, InvalidToken):
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, WrongMethod):
        headers.append((b"allow", error.allowed.encode()))
    return headers
