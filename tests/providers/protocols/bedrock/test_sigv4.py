"""Against AWS's published test suite, and against the official client's own signer.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from llmhub.base.secret import Secret
from providers.protocols.bedrock.sigv4 import AWSKey, Scope, signed_headers

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY = AWSKey("AKIDEXAMPLE", Secret(SECRET))
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
PLAIN = "https://example.amazonaws.com/"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "names", "signature"),
    [
        (
            "GET",
            PLAIN,
            {},
            b"",
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "GET",
            PLAIN + "?Param2=value2&Param1=value1",
            {},
            b"",
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST",
            PLAIN,
            {},
            b"",
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "POST",
            PLAIN,
            FORM,
            b"Param1=value1",
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
)
def test_the_published_requests_get_their_published_signatures(
    method: str, url: str, headers: dict[str, str], body: bytes, names: str, signature: str
) -> None:
    scope = Scope("us-east-1", "service")
    signed = signed_headers(KEY, scope, method, url, headers, body, AT)
    assert signed == {
        **headers,
        "x-amz-date": "20150830T123600Z",
        "authorization": (
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            f"SignedHeaders={names}, Signature={signature}"
        ),
    }


@pytest.mark.parametrize("token", [None, "session/token=="])
@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", "https://h.us-east-1.amazonaws.com/model/a.b-v1%3A0/converse", b'{"a":1}'),
        ("POST", "https://h.example/model/arn%3Aaws%3Abedrock%3Aus%3A1%3Ax%2Fy/invoke", b"{}"),
        ("GET", "https://h.example/inference-profiles?maxResults=1000&nextToken=a%2Fb%3D", b""),
        ("GET", "http://127.0.0.1:4566/foundation-models?b=&a=%C3%A9&A=1", b""),
        ("POST", "https://sts.eu-west-1.amazonaws.com/", b"Action=AssumeRole&Version=2011-06-15"),
    ],
)
def test_it_signs_as_the_official_client_does(
    method: str, url: str, body: bytes, token: str | None
) -> None:
    headers = {"content-type": "application/json", "accept": "a   b"}
    theirs = _signed_by_botocore(method, url, headers, body, token)
    at = datetime.strptime(theirs["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    key = AWSKey("AKIDEXAMPLE", Secret(SECRET), Secret(token) if token else None)
    scope = Scope("eu-west-1", "bedrock")
    ours = signed_headers(key, scope, method, url, headers, body, at)
    assert ours["authorization"] == theirs["authorization"]
    assert ours.get("x-amz-security-token") == (Secret(token) if token else None)


def _signed_by_botocore(
    method: str, url: str, headers: dict[str, str], body: bytes, token: str | None
) -> dict[str, str]:
    request: Any = AWSRequest(method, url, headers=headers, data=body)
    if "?" in url:
        # The client itself keeps the query as it was given.
        assert request.params == {}
    SigV4Auth(Credentials("AKIDEXAMPLE", SECRET, token), "bedrock", "eu-west-1").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def test_a_signature_shows_no_secret() -> None:
    scope = Scope("us-east-1", "bedrock")
    signed = signed_headers(KEY, scope, "GET", PLAIN, {}, b"", AT)
    assert SECRET not in repr(signed)
    assert SECRET not in repr(KEY)
