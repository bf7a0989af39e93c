"""Why a server that speaks OpenAI's dialect, more or less, said no.

https://platform.openai.com/docs/guides/error-codes. Compatible servers use the same statuses and
many shapes of body, so the status decides first and the words decide between what it leaves open.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from llmhub.base.redact import redact
from providers.protocols.failures import FailureKind, ProviderFailure
from providers.protocols.retry_after import retry_after_read
from providers.protocols.wire import Headers


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE | re.DOTALL)


_QUOTA = _words(
    r"insufficient[_ ](?:user[_ ])?(?:quota|balance|credit|fund)",
    r"exceeded your current quota|quota (?:is )?exhausted|spending limit",
    r"balance (?:is )?(?:too low|insufficient|not enough)|credit balance",
    r"(?:no|more|out of) credits?\b|payment required|billing|arrear|overdue",
)
_KEY = _words(
    r"(?:invalid|incorrect|expired|revoked|disabled|missing|no)[_ ]+(?:an? |the )?"
    r"(?:api[_ -]?key|(?:access|auth\w*|bearer|id)[_ ]token|credentials?|authentication)",
    r"api[_ -]?key (?:is )?(?:not valid|invalid|expired)|invalid[_ ]authentication",
    r"unauthori[sz]ed|authentication_error",
)
_MODEL = _words(
    r"model_not_(?:found|exist)|deploymentnotfound|no endpoints found",
    r"(?:no such|unknown|invalid|unsupported)[_ ]model(?!_)|not a valid model",
    r"model\b.{0,120}?\b(?:not exist|doesn't exist|not found|not available|unavailable"
    r"|is not supported)",
    r"access to (?:the )?model|not_found_error.{0,40}model",
)
_CONTENT = _words(
    r"content[_ ]?(?:policy|filter|management|refus)|responsibleai|moderation|safety system",
    r"sensitive[_ ]?content|inappropriate content|data_?inspection_?failed",
)
# Google calls a limit per minute a quota too.
_SOON = _words(r"per[_ ]?(?:minute|second)", r"(?:retry|try again) in \d")
_UNABLE = _words(r"not support|unsupported|not implemented")
_BUSY = _words(r"overloaded|loading model|model is loading|at capacity")
_MAX_DEPTH = 8
_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})", re.IGNORECASE)

_BY_STATUS = {
    400: FailureKind.BAD_REQUEST,
    401: FailureKind.INVALID_KEY,
    402: FailureKind.OUT_OF_QUOTA,
    403: FailureKind.INVALID_KEY,
    404: FailureKind.BAD_REPLY,
    405: FailureKind.BAD_REPLY,
    408: FailureKind.TIMEOUT,
    429: FailureKind.RATE_LIMITED,
    501: FailureKind.BAD_REQUEST,
    504: FailureKind.TIMEOUT,
    524: FailureKind.TIMEOUT,
}
_MEANINGS = {
    FailureKind.RATE_LIMITED: _SOON,
    FailureKind.OUT_OF_QUOTA: _QUOTA,
    FailureKind.CONTENT_REFUSED: _CONTENT,
    FailureKind.NO_SUCH_MODEL: _MODEL,
    FailureKind.INVALID_KEY: _KEY,
    FailureKind.OVERLOADED: _BUSY,
    FailureKind.BAD_REQUEST: _UNABLE,
}
# What the words may turn a status into, in this order; another status means what it says.
_ANY = (
    FailureKind.OUT_OF_QUOTA,
    FailureKind.CONTENT_REFUSED,
    FailureKind.NO_SUCH_MODEL,
    FailureKind.INVALID_KEY,
    FailureKind.OVERLOADED,
)
_OPEN = {
    200: _ANY,
    400: _ANY,
    403: (FailureKind.OUT_OF_QUOTA, FailureKind.CONTENT_REFUSED, FailureKind.NO_SUCH_MODEL),
    404: (FailureKind.NO_SUCH_MODEL,),
    422: (FailureKind.CONTENT_REFUSED, FailureKind.NO_SUCH_MODEL),
    429: (FailureKind.RATE_LIMITED, FailureKind.OUT_OF_QUOTA, FailureKind.OVERLOADED),
    451: (FailureKind.CONTENT_REFUSED,),
    500: (
        FailureKind.INVALID_KEY,
        FailureKind.NO_SUCH_MODEL,
        FailureKind.OUT_OF_QUOTA,
        FailureKind.BAD_REQUEST,
    ),
}


class Explanation(NamedTuple):
    """What an error body says: words for people, and codes for programs."""

    message: str
    codes: str = ""


def failure_classify(status: int, headers: Headers, body: bytes) -> ProviderFailure:
    """Never raises, whatever the body is. Header names are lower case."""
    if 300 <= status < 400:
        message = "The server redirects to another address, and redirects are not followed."
        return ProviderFailure(FailureKind.BAD_REPLY, message, status)
    explanation = explanation_read(body)
    message = redact(explanation.message, ()) or f"HTTP {status} without an explanation"
    kind = _kind(status, f"{explanation.codes} {explanation.message[:2000]}")
    retry_after_s = retry_after_read(headers)
    return ProviderFailure(kind, message, status, retry_after_s, explanation.message)


def failure_in_stream(error: Any) -> ProviderFailure:
    """Classify an error that came inside a stream, where the HTTP status was 200 already."""
    explanation = _explain(error)
    status = _status_in(error)
    kind = _kind(status, f"{explanation.codes} {explanation.message[:2000]}")
    message = redact(explanation.message, ()) or "The stream reported an error without a message."
    return ProviderFailure(kind, message, status, unmasked=explanation.message)


def is_error(reply: Mapping[str, Any]) -> bool:
    """An error that came with HTTP 200; Mistral and vLLM name it as the object itself."""
    return bool(reply.get("error")) or reply.get("object") == "error"


def _kind(status: int, words: str) -> FailureKind:
    for kind in _OPEN.get(status, ()):
        if _MEANINGS[kind].search(words):
            return kind
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return FailureKind.OVERLOADED
    return FailureKind.BAD_REQUEST if status >= 400 else FailureKind.BAD_REPLY


def _status_in(error: Any) -> int:
    """OpenRouter and vLLM put the HTTP status that would have been in `code`."""
    inner = error.get("error", error) if isinstance(error, dict) else None
    code = inner.get("code") if isinstance(inner, dict) else None
    return code if type(code) is int and 400 <= code < 600 else 200


def explanation_read(body: bytes) -> Explanation:
    """Find the words of an error: JSON of any known shape, a web page's title, plain text."""
    try:
        return _explain(orjson.loads(body))
    except orjson.JSONDecodeError:
        text = body[:4000].decode("utf-8", "replace").strip()
    if text.startswith("<"):
        title = _TITLE.search(text)
        return Explanation(title[1].strip() if title else "The server answered with a web page.")
    return Explanation(text)


def _explain(value: Any, depth: int = 0) -> Explanation:
    """`{"error": {...}}`, `{"error": "words"}`, `{"detail": ...}`, `{"message": ...}`, a list."""
    if depth > _MAX_DEPTH:
        return Explanation("")
    if isinstance(value, list):
        return _explain(value[0], depth + 1) if value else Explanation("")
    if not isinstance(value, dict):
        return Explanation("" if value is None else str(value))
    for name in ("error", "errors", "detail"):
        if isinstance(value.get(name), dict | list) and value[name]:
            inner = _explain(value[name], depth + 1)
            return Explanation(inner.message or _message(value), f"{_codes(value)} {inner.codes}")
    return Explanation(_message(value), _codes(value))


def _message(value: dict[str, Any]) -> str:
    names = ("message", "msg", "error_msg", "error_message", "error", "detail", "title")
    found = (value[name] for name in names if isinstance(value.get(name), str) and value[name])
    return next(found, "")


def _codes(value: dict[str, Any]) -> str:
    names = ("code", "type", "status", "reason", "error_code", "innererror")
    return " ".join(str(value[name]) for name in names if value.get(name) is not None)
