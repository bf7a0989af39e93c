"""Why one of Google's APIs said no.

https://ai.google.dev/gemini-api/docs/troubleshooting; the details are those of google.rpc, see
https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from providers.protocols.failures import FailureKind, ProviderFailure
from providers.protocols.openai.errors import failure_classify
from providers.protocols.wire import Headers

_BY_REASON = {
    "API_KEY_INVALID": FailureKind.INVALID_KEY,
    "API_KEY_SERVICE_BLOCKED": FailureKind.INVALID_KEY,
    "API_KEY_IP_ADDRESS_BLOCKED": FailureKind.INVALID_KEY,
    "API_KEY_HTTP_REFERRER_BLOCKED": FailureKind.INVALID_KEY,
    "ACCESS_TOKEN_EXPIRED": FailureKind.INVALID_KEY,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": FailureKind.INVALID_KEY,
    "SERVICE_DISABLED": FailureKind.INVALID_KEY,
    "IAM_PERMISSION_DENIED": FailureKind.INVALID_KEY,
    "CONSUMER_INVALID": FailureKind.INVALID_KEY,
    "BILLING_DISABLED": FailureKind.OUT_OF_QUOTA,
}
_BY_STATUS = {
    "UNAUTHENTICATED": FailureKind.INVALID_KEY,
    "PERMISSION_DENIED": FailureKind.INVALID_KEY,
    "NOT_FOUND": FailureKind.NO_SUCH_MODEL,
    "INVALID_ARGUMENT": FailureKind.BAD_REQUEST,
    "FAILED_PRECONDITION": FailureKind.BAD_REQUEST,
    "OUT_OF_RANGE": FailureKind.BAD_REQUEST,
    "UNIMPLEMENTED": FailureKind.BAD_REQUEST,
    "RESOURCE_EXHAUSTED": FailureKind.RATE_LIMITED,
    "DEADLINE_EXCEEDED": FailureKind.TIMEOUT,
    "UNAVAILABLE": FailureKind.OVERLOADED,
    "INTERNAL": FailureKind.OVERLOADED,
    "ABORTED": FailureKind.OVERLOADED,
    "UNKNOWN": FailureKind.OVERLOADED,
}
_BILLING = re.compile(r"billing|prepay\w* credits|credits are depleted", re.IGNORECASE)
_PER_DAY = re.compile(r"per_?day", re.IGNORECASE)
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")


def failure_of_reply(status: int, headers: Headers, body: bytes) -> ProviderFailure:
    """Never raises, whatever the body is."""
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        reply = None
    return failure_of_error(reply, status, headers, body)


def failure_of_error(
    reply: Any, status: int, headers: Headers, body: bytes | None = None
) -> ProviderFailure:
    """Classify `{"error": {code, message, status, details}}`, or a list of one.

    `status` is the HTTP status; 200 for an error inside a stream, which has its own in `code`.
    Where Google's names are missing, the words decide as for any other server.
    """
    if isinstance(reply, list):
        reply = reply[0] if reply else None
    error = reply.get("error") if isinstance(reply, dict) else None
    known: dict[str, Any] = error if isinstance(error, dict) else {}
    code = known.get("code")
    if status == 200 and type(code) is int and 400 <= code < 600:
        status = code
    failure = failure_classify(status, headers, orjson.dumps(reply) if body is None else body)
    if isinstance(error, str) or "status" not in known:
        return failure
    details = list(_details(known))
    kind = _kind(known, details) or failure.kind
    return replace(failure, kind=kind, retry_after_s=_delay(details) or failure.retry_after_s)


def _kind(error: Mapping[str, Any], details: list[Mapping[str, Any]]) -> FailureKind | None:
    for detail in details:
        if detail.get("reason") in _BY_REASON:
            return _BY_REASON[detail["reason"]]
    status, message = error.get("status"), str(error.get("message") or "")
    if status in ("RESOURCE_EXHAUSTED", "FAILED_PRECONDITION") and _is_spent(message, details):
        return FailureKind.OUT_OF_QUOTA
    if status == "INVALID_ARGUMENT" and "API key" in message:
        return FailureKind.INVALID_KEY
    return _BY_STATUS.get(str(status))


def _is_spent(message: str, details: list[Mapping[str, Any]]) -> bool:
    """A quota per day, or no money; what is counted by the minute comes back by itself."""
    quotas = [v for d in details for v in d.get("violations") or () if isinstance(v, dict)]
    ids = [str(v.get("quotaId") or v.get("quotaMetric") or "") for v in quotas]
    if any(_PER_DAY.search(quota) for quota in ids):
        return True
    return (
        not ids and "check your plan and billing" not in message and bool(_BILLING.search(message))
    )


def _delay(details: list[Mapping[str, Any]]) -> float | None:
    for detail in details:
        found = _DELAY.fullmatch(str(detail.get("retryDelay") or ""))
        if found:
            return float(found[1])
    return None


def _details(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    details = error.get("details")
    return (d for d in (details if isinstance(details, list) else ()) if isinstance(d, dict))
