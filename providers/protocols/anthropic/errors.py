"""Why Anthropic's API said no. https://docs.claude.com/en/api/errors

The type of an error decides; where a server of another maker leaves it out, the status and the
words do, as they do for OpenAI's many kin.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from providers.protocols.failures import FailureKind, ProviderFailure
from providers.protocols.openai import errors as openai_errors
from providers.protocols.wire import Headers

_BY_TYPE = {
    "authentication_error": FailureKind.INVALID_KEY,
    "permission_error": FailureKind.INVALID_KEY,
    "billing_error": FailureKind.OUT_OF_QUOTA,
    "not_found_error": FailureKind.BAD_REPLY,
    "rate_limit_error": FailureKind.RATE_LIMITED,
    "invalid_request_error": FailureKind.BAD_REQUEST,
    "request_too_large": FailureKind.BAD_REQUEST,
    "overloaded_error": FailureKind.OVERLOADED,
    "api_error": FailureKind.OVERLOADED,
    "timeout_error": FailureKind.TIMEOUT,
}
# What the words say more precisely than the type, in this order.
_QUOTA = re.compile(r"credit balance|usage limit|spend(?:ing)? limit|billing", re.IGNORECASE)
_MODEL = re.compile(r"\bmodels?\b", re.IGNORECASE)
_CONTENT = re.compile(r"content filter|blocked by|usage polic", re.IGNORECASE)
_OPEN = (
    ("invalid_request_error", _QUOTA, FailureKind.OUT_OF_QUOTA),
    ("invalid_request_error", _CONTENT, FailureKind.CONTENT_REFUSED),
    ("not_found_error", _MODEL, FailureKind.NO_SUCH_MODEL),
    ("permission_error", _QUOTA, FailureKind.OUT_OF_QUOTA),
    ("permission_error", _MODEL, FailureKind.NO_SUCH_MODEL),
)


def failure_classify(status: int, headers: Headers, body: bytes) -> ProviderFailure:
    """Never raises, whatever the body is. Header names are lower case."""
    failure = openai_errors.failure_classify(status, headers, body)
    try:
        return _refined(failure, orjson.loads(body))
    except orjson.JSONDecodeError:
        return failure


def failure_in_stream(error: Any) -> ProviderFailure:
    """Classify an error that came inside a stream, where the HTTP status was 200 already."""
    return _refined(openai_errors.failure_in_stream(error), error)


def _refined(failure: ProviderFailure, error: Any) -> ProviderFailure:
    kind = _kind(_type_of(error), failure.unmasked or failure.message)
    return failure if kind is None else replace(failure, kind=kind)


def _type_of(error: Any) -> str:
    inner = error.get("error") if isinstance(error, Mapping) else None
    return str(inner.get("type")) if isinstance(inner, Mapping) else ""


def _kind(error_type: str, words: str) -> FailureKind | None:
    for known, pattern, kind in _OPEN:
        if error_type == known and pattern.search(words):
            return kind
    return _BY_TYPE.get(error_type)
