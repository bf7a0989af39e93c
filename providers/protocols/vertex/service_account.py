"""A service account's key, and the access token that it buys.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

import time
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from google.auth import crypt, jwt

from llmhub.base.errors import InvalidRequest
from llmhub.base.secret import Secret
from providers.protocols.failures import FailureKind, ProviderFailure, bad_reply
from providers.protocols.openai.errors import failure_classify
from providers.protocols.openai.replies import reply_object
from providers.protocols.wire import Grant, Headers, ProviderRequest, Target

GRANTED = "access_token"
"""The name of what is granted, among a target's credentials."""

_FIELD = "google_service_account_key"
_EXCHANGE = "https://oauth2.googleapis.com/token"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFETIME_S = 3600
_USUAL_TOKEN_S = 3600.0


def token_request_of(target: Target) -> ProviderRequest:
    """Raises InvalidRequest where the key is not a service account's."""
    key = _key_of(target)
    token_uri = _text(key, "token_uri", _EXCHANGE)
    if not token_uri.startswith(("https://", "http://")):
        raise _wrong("has a token_uri that is no address")
    now = int(time.time())
    claims = {
        "iss": _text(key, "client_email"),
        "scope": _SCOPE,
        "aud": token_uri,
        "iat": now,
        "exp": now + _LIFETIME_S,
    }
    assertion = jwt.encode(_signer(key), claims).decode()
    body = urlencode({"grant_type": _GRANT_TYPE, "assertion": assertion}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return ProviderRequest("POST", token_uri, headers, body)


def grant_of(body: bytes) -> Grant:
    reply = reply_object(body)
    token, lifetime_s = reply.get(GRANTED), reply.get("expires_in", _USUAL_TOKEN_S)
    if not isinstance(token, str) or not token or type(lifetime_s) not in (int, float):
        raise bad_reply("the reply holds no access token")
    return Grant({GRANTED: Secret(token)}, float(lifetime_s))


def grant_failure_of(status: int, headers: Headers, body: bytes) -> ProviderFailure:
    """`{"error": "invalid_grant", "error_description": ...}`: whatever is wrong with the request,
    it was made from the key alone. https://www.rfc-editor.org/rfc/rfc6749#section-5.2"""
    failure = failure_classify(status, headers, body)
    if status not in (400, 401, 403):
        return failure
    words = _description(body) or failure.message
    message = f"Google does not accept the service account's key. {words}"
    return ProviderFailure(FailureKind.INVALID_KEY, message, status)


def _description(body: bytes) -> str:
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    words = reply.get("error_description") if isinstance(reply, dict) else None
    return words if isinstance(words, str) else ""


def _key_of(target: Target) -> Mapping[str, Any]:
    """The key file, as JSON or in base64."""
    given = target.credentials.get(_FIELD, "")
    text = given.reveal() if isinstance(given, Secret) else given
    if not text.lstrip().startswith("{"):
        try:
            text = b64decode(
                "".join(text.split()), altchars=b"-_" if "-" in text else None
            ).decode()
        except (NotBase64, ValueError):
            raise _wrong("is neither JSON nor base64") from None
    try:
        key = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _wrong("is not JSON: copy the whole key file") from None
    if not isinstance(key, dict) or key.get("type") != "service_account":
        raise _wrong('is not a key file with "type": "service_account"')
    return key


def _signer(key: Mapping[str, Any]) -> crypt.RSASigner:
    _text(key, "private_key")
    try:
        signer: crypt.RSASigner = crypt.RSASigner.from_service_account_info(key)
    except Exception:  # noqa: BLE001 - whatever the parser says may quote the key
        raise _wrong("holds a private_key that cannot be read: copy the whole key file") from None
    return signer


def _text(key: Mapping[str, Any], name: str, usual: str = "") -> str:
    value = key.get(name, usual)
    if not isinstance(value, str) or not value:
        raise _wrong(f"has no {name}: copy the whole key file")
    return value


def _wrong(what: str) -> InvalidRequest:
    field = f"api_key.{_FIELD}"
    return InvalidRequest(f"{field} {what}.", field=field)
