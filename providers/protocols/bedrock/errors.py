"""Why Bedrock, or STS, said no.

https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
"""

import re
from collections.abc import Mapping
from dataclasses import replace

import orjson

from llmhub.base.redact import redact
from providers.protocols.bedrock.access import xml_text
from providers.protocols.failures import FailureKind, ProviderFailure
from providers.protocols.openai.errors import failure_classify
from providers.protocols.wire import Headers

_BY_TYPE = {
    "AccessDenied": FailureKind.INVALID_KEY,
    "AccessDeniedException": FailureKind.INVALID_KEY,
    "ExpiredToken": FailureKind.INVALID_KEY,
    "ExpiredTokenException": FailureKind.INVALID_KEY,
    "IncompleteSignature": FailureKind.INVALID_KEY,
    "InvalidClientTokenId": FailureKind.INVALID_KEY,
    "InvalidSignatureException": FailureKind.INVALID_KEY,
    "MissingAuthenticationToken": FailureKind.INVALID_KEY,
    "MissingAuthenticationTokenException": FailureKind.INVALID_KEY,
    "NotAuthorized": FailureKind.INVALID_KEY,
    "OptInRequired": FailureKind.INVALID_KEY,
    "SignatureDoesNotMatch": FailureKind.INVALID_KEY,
    "UnrecognizedClientException": FailureKind.INVALID_KEY,
    "ServiceQuotaExceededException": FailureKind.OUT_OF_QUOTA,
    "ThrottlingException": FailureKind.RATE_LIMITED,
    "Throttling": FailureKind.RATE_LIMITED,
    "TooManyRequestsException": FailureKind.RATE_LIMITED,
    "ResourceNotFoundException": FailureKind.NO_SUCH_MODEL,
    "ValidationException": FailureKind.BAD_REQUEST,
    "ModelErrorException": FailureKind.OVERLOADED,
    "ModelNotReadyException": FailureKind.OVERLOADED,
    "ModelStreamErrorException": FailureKind.OVERLOADED,
    "InternalServerException": FailureKind.OVERLOADED,
    "InternalFailure": FailureKind.OVERLOADED,
    "ServiceUnavailableException": FailureKind.OVERLOADED,
    "ServiceUnavailable": FailureKind.OVERLOADED,
    "ModelTimeoutException": FailureKind.TIMEOUT,
}
_MODEL = re.compile(
    r"model identifier is invalid|on-demand throughput isn.t supported|access to (?:the|this) model"
    r"|not authorized to.{0,40}model|model.{0,80}(?:end of its life|legacy|not available)"
    r"|model.{0,80}(?:not supported in|does not exist)",
    re.IGNORECASE | re.DOTALL,
)
_NAME = re.compile(r"(\w+)(?::|$)")
_PER_DAY = re.compile(r"tokens per day|daily", re.IGNORECASE)
_CONTENT = re.compile(r"content (?:policy|filter)|blocked by", re.IGNORECASE)
_MAY_BE_MODEL = frozenset({FailureKind.INVALID_KEY, FailureKind.BAD_REQUEST})


def failure_of_reply(status: int, headers: Headers, body: bytes) -> ProviderFailure:
    """Never raises. The error's type is in a header, or in the body where STS answers."""
    failure = failure_classify(status, headers, body)
    named = headers.get("x-amzn-errortype") or _type_in(body) or xml_text(body[:20_000], "Code")
    words = xml_text(body[:20_000], "Message")
    if words:
        failure = replace(failure, message=redact(words, ()), unmasked=words)
    kind = _kind(named, failure.message)
    return failure if kind is None else replace(failure, kind=kind)


def failure_of_exception(headers: Mapping[str, str], payload: bytes) -> ProviderFailure:
    """Of a message in an event stream that is no event."""
    if headers.get(":message-type") == "error":
        named, words = headers.get(":error-code", ""), headers.get(":error-message", "")
    else:
        named, words = headers.get(":exception-type", ""), _message_in(payload)
    # Inside a stream the names begin with a small letter.
    named = named[:1].upper() + named[1:]
    kind = _kind(named, words) or FailureKind.OVERLOADED
    words = words or f"The stream ended with {named}."
    return ProviderFailure(kind, redact(words, ()), 200, unmasked=words)


def _kind(named: str, words: str) -> FailureKind | None:
    name = _NAME.search(named)
    kind = _BY_TYPE.get(name[1]) if name else None
    if kind in _MAY_BE_MODEL and _MODEL.search(words):
        return FailureKind.NO_SUCH_MODEL
    if kind is FailureKind.RATE_LIMITED and _PER_DAY.search(words):
        return FailureKind.OUT_OF_QUOTA
    if kind is FailureKind.BAD_REQUEST and _CONTENT.search(words):
        return FailureKind.CONTENT_REFUSED
    return kind


def _decoded(body: bytes) -> Mapping[str, object]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _type_in(body: bytes) -> str:
    return str(_decoded(body).get("__type") or "")


def _message_in(payload: bytes) -> str:
    found = _decoded(payload)
    words = found.get("message") or found.get("Message")
    return words if isinstance(words, str) else ""
