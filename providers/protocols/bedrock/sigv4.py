"""Signs a request to AWS, version 4.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from llmhub.base.secret import Secret

_ALGORITHM = "AWS4-HMAC-SHA256"


class Scope(NamedTuple):
    """What a signature is good for."""

    region: str
    service: str


@dataclass(frozen=True, slots=True)
class AWSKey:
    """`session_token` comes with credentials that last for a while."""

    access_key: str
    secret_key: Secret
    session_token: Secret | None = None


def signed_headers(
    key: AWSKey,
    scope: Scope,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    at: datetime | None = None,
) -> dict[str, str | Secret]:
    """`headers`, in lower case, with what AWS wants beside them. The signature covers them, the
    host and the body; `url` must be sent as it stands. Good for five minutes from `at`."""
    moment = (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    signed = {**headers, "host": urlsplit(url).netloc, "x-amz-date": moment}
    if key.session_token is not None:
        signed["x-amz-security-token"] = key.session_token.reveal()
    names = ";".join(sorted(signed))
    request = _canonical(method, url, signed, names, hashlib.sha256(body).hexdigest())
    where = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = f"{_ALGORITHM}\n{moment}\n{where}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signing_key = _signing_key(key.secret_key, moment[:8], *scope)
    signature = hmac.new(signing_key, text.encode(), hashlib.sha256).hexdigest()
    given: dict[str, str | Secret] = {**headers, "x-amz-date": moment}
    if key.session_token is not None:
        given["x-amz-security-token"] = key.session_token
    given["authorization"] = (
        f"{_ALGORITHM} Credential={key.access_key}/{where},"
        f" SignedHeaders={names}, Signature={signature}"
    )
    return given


def _canonical(method: str, url: str, signed: Mapping[str, str], names: str, body_hash: str) -> str:
    parts = urlsplit(url)
    # What is encoded in the path already is encoded once more; only S3 does without.
    path = quote(parts.path or "/", safe="/-_.~")
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    query = "&".join(f"{name}={value}" for name, value in pairs)
    lines = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in sorted(signed))
    return f"{method}\n{path}\n{query}\n{lines}\n{names}\n{body_hash}"


@lru_cache(maxsize=1024)
def _signing_key(secret_key: Secret, day: str, region: str, service: str) -> bytes:
    """The same for a whole day."""
    key = f"AWS4{secret_key.reveal()}".encode()
    for text in (day, region, service, "aws4_request"):
        key = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return key
