import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from google.auth import jwt

from llmhub.base.errors import InvalidRequest
from llmhub.base.secret import Secret
from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.vertex import Vertex
from providers.protocols.wire import ProviderRequest, Target
from tests.providers.protocols.vertex.keys import (
    EMAIL,
    TOKEN_URI,
    key_file,
    private_pem,
    public_pem,
)

VERTEX = Vertex()


def target(key: str) -> Target:
    credentials = {"google_project_id": "my-project-123", "google_region": "europe-west1"}
    return Target("", {**credentials, "google_service_account_key": Secret(key)})


def claims_of(request: ProviderRequest, audience: str) -> Any:
    """As Google checks them: with the account's public key."""
    form = parse_qs(request.body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    return jwt.decode(form["assertion"][0], certs=public_pem(), audience=audience)


@pytest.mark.parametrize("is_encoded", [False, True])
def test_a_key_asks_for_a_token_with_a_signed_assertion(is_encoded: bool) -> None:
    key = key_file()
    given = base64.encodebytes(key.encode()).decode() if is_encoded else key
    request = VERTEX.token_request(target(given))
    assert (request.method, request.url) == ("POST", TOKEN_URI)
    assert request.headers == {"content-type": "application/x-www-form-urlencoded"}
    claims = claims_of(request, TOKEN_URI)
    assert claims["iss"] == EMAIL
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert claims["exp"] - claims["iat"] == 3600


def test_the_key_says_who_gives_the_token() -> None:
    where = "https://oauth2.example.com/token"
    request = VERTEX.token_request(target(key_file(token_uri=where)))
    assert request.url == where
    assert claims_of(request, where)["aud"] == where


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("not a key!", "neither JSON nor base64"),
        ('{"type": "service_account"', "not JSON"),
        (base64.b64encode(b"hello").decode(), "not JSON"),
        (key_file(type="authorized_user"), "service_account"),
        (key_file(client_email=""), "client_email"),
        (key_file(private_key=None), "private_key"),
        (key_file(private_key=private_pem()[:-200]), "private_key"),
        (key_file(private_key="canary-of-a-key"), "private_key"),
        (key_file(token_uri="file:///etc/passwd"), "token_uri"),
    ],
)
def test_what_is_no_key_is_refused_before_the_network(key: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as caught:
        VERTEX.token_request(target(key))
    assert caught.value.details["field"] == "api_key.google_service_account_key"
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_token_is_read_with_its_lifetime() -> None:
    body = {"access_token": "ya29.token", "expires_in": 1799, "token_type": "Bearer"}
    grant = VERTEX.token_reply(json.dumps(body).encode())
    assert grant.credentials == {"access_token": Secret("ya29.token")}
    assert grant.lifetime_s == 1799


@pytest.mark.parametrize(
    "body",
    [b"{}", b"<html>", b'{"access_token": ""}', b'{"access_token": "x", "expires_in": "soon"}'],
)
def test_what_holds_no_token_grants_nothing(body: bytes) -> None:
    with pytest.raises(ProviderError):
        VERTEX.token_reply(body)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.INVALID_KEY),
        (401, FailureKind.INVALID_KEY),
        (429, FailureKind.RATE_LIMITED),
        (503, FailureKind.OVERLOADED),
    ],
)
def test_a_key_that_google_refuses_is_invalid(status: int, kind: FailureKind) -> None:
    body = b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}'
    failure = VERTEX.token_failure_of(status, {}, body)
    assert failure.kind is kind
    if kind is FailureKind.INVALID_KEY:
        assert "Invalid JWT Signature." in failure.message
