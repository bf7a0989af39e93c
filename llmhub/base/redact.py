"""Masks secrets in text from outside: a provider's error may repeat the key that was sent to it."""

import base64
import html
import json
import logging
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from llmhub.base.secret import Secret

MASK = "***"
MAX_LENGTH = 1000
MIN_SECRET_LENGTH = 4
"""A shorter one is in every text by chance; masking it would tell where."""

_WELL_KNOWN = re.compile(
    r"""
      \b(?:[spr]k[-_]|pa-|xai-|pplx-|nvapi-|tvly-|glpat-|gsk_|hf_|r8_|jina_|fw_|ghp_|AIza|ya29\.)
        (?=[\w*-]*[\d*])[\w*-]{12,}                   # providers; some show it with asterisks
    | \beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?          # JSON web tokens
    | \b(?:AKIA|ASIA)[A-Z0-9]{12,}                    # AWS
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|$)
    """,
    re.VERBOSE | re.DOTALL,
)
_AFTER_NAME = re.compile(
    r"""(?ix)
    ( \b(?:bearer|basic)[ ]+
      | \b(?:x-)?(?:api[-_]?key|secret|token|password)["']?[ ]?[:=][ ]?["']? )
    (?=[^\s"',;<>&)]*[\d*] | [^\s"',;<>&)]{20})       # a word is no key
    [^\s"',;<>&)]{8,}
    """
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")
_CONTROL_BUT_NEWLINE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]+")


def redact(
    text: str, secrets: Iterable[Secret], *, max_length: int = MAX_LENGTH, keep_lines: bool = False
) -> str:
    """Text that may be shown, logged or stored.

    Every secret is masked as it is and as base64 (wherever it stands in what was encoded),
    URL-encoded, JSON-escaped or HTML-escaped text; so is what looks like a key of a well-known
    kind. Control characters become spaces, except newlines with `keep_lines`. The result has at
    most `max_length` characters.
    """
    cleaned = (_CONTROL_BUT_NEWLINE if keep_lines else _CONTROL).sub(" ", text).strip()
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
    if forms:
        cleaned = re.sub("|".join(re.escape(form) for form in forms), MASK, cleaned)
    cleaned = _WELL_KNOWN.sub(MASK, _AFTER_NAME.sub(rf"\1{MASK}", cleaned))
    return cleaned if len(cleaned) <= max_length else cleaned[: max_length - 1] + "…"


def _forms(secret: Secret) -> Iterator[str]:
    value = secret.reveal()
    for part in (value, *_words(value)):
        if len(part) >= MIN_SECRET_LENGTH:
            yield from _spellings(part)


def _words(value: str) -> list[str]:
    """Control characters become spaces, so a secret of several lines is looked for line by line."""
    lines = [line.strip() for line in _CONTROL.split(value)]
    return [line for line in lines if len(line) >= 16] if len(lines) > 1 else []


def _spellings(value: str) -> Iterator[str]:
    yield value
    encoded = quote(value, safe="")
    yield from (encoded, encoded.replace("%", "%25"), quote(value), quote_plus(value))
    yield re.sub("%..", lambda match: match[0].lower(), encoded)
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (json.dumps(value)[1:-1].replace("/", "\\/"), html.escape(value))
    yield from _base64_forms(value.encode("utf-8", "surrogatepass"))


def _base64_forms(value: bytes) -> Iterator[str]:
    """The characters that are the same whatever stands before and after the value."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + value).decode()
        whole = (offset + len(value)) * 8 // 6
        stable = encoded[(offset * 8 + 5) // 6 : whole]
        if len(stable) >= MIN_SECRET_LENGTH:
            yield stable
            yield stable.replace("+", "-").replace("/", "_")


class RedactingFilter(logging.Filter):
    """Masks what looks like a key in every log record, its traceback included."""

    def __init__(self, secrets: Iterable[Secret] = (), max_length: int = 20_000) -> None:
        super().__init__()
        self._secrets = tuple(secrets)
        self._max_length = max_length

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
            record.exc_text, record.exc_info = self._mask(trace), None
        record.msg, record.args = self._mask(record.getMessage()), None
        return True

    def _mask(self, text: str) -> str:
        return redact(text, self._secrets, max_length=self._max_length, keep_lines=True)
