"""Who calls Bedrock, and where: keys, roles, regions and hosts.

Three ways in: an access key that signs; an access key that takes on a role first; a Bedrock API key
that is sent as it is. https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html
"""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from llmhub.base.errors import InvalidRequest
from llmhub.base.secret import Secret
from providers.protocols.bedrock.sigv4 import AWSKey, Scope, signed_headers
from providers.protocols.failures import bad_reply
from providers.protocols.wire import Grant, ProviderRequest, Target

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_ROLE_LIFETIME_S = 3600
_SESSION_NAME = "llm-hub"
_JSON = {"content-type": "application/json", "accept": "application/json"}


def region_of(target: Target) -> str:
    region = str(target.credentials.get("bedrock_region") or "")
    if not _REGION.fullmatch(region):
        field = "api_key.bedrock_region"
        raise InvalidRequest(f"{field} is a region such as us-east-1.", field=field)
    return region


def service_url(target: Target, service: str) -> str:
    """The address of bedrock-runtime, bedrock or sts. An address of the target's own is that of
    bedrock-runtime; where its host says so the others' follow from it, and else all are there."""
    if target.base_url:
        host = urlsplit(target.base_url).netloc
        there = host.replace("bedrock-runtime", service, 1)
        return target.base_url.replace(host, there, 1)
    region = region_of(target)
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{service}.{region}.{suffix}"


def request_make(
    target: Target,
    method: str,
    url: str,
    content: Mapping[str, Any] | None = None,
    left_out: tuple[str, ...] = (),
) -> ProviderRequest:
    """A request to Bedrock, signed or with its bearer key. Raises InvalidRequest without either."""
    body = b"" if content is None else orjson.dumps(content)
    headers = _JSON if content is not None else {"accept": "application/json"}
    bearer = target.credentials.get("bedrock_api_key")
    if bearer:
        token = bearer if isinstance(bearer, Secret) else Secret(bearer)
        authorized: dict[str, str | Secret] = {**headers}
        authorized["authorization"] = token.prefixed("Bearer ")
        return ProviderRequest(method, url, authorized, body, left_out)
    scope = Scope(region_of(target), "bedrock")
    signed = signed_headers(_key_of(target), scope, method, url, headers, body)
    return ProviderRequest(method, url, signed, body, left_out)


def _key_of(target: Target) -> AWSKey:
    given = target.credentials
    access_key, secret_key = given.get("bedrock_ak"), given.get("bedrock_sk")
    if not access_key or not secret_key:
        field = "api_key.bedrock_sk" if access_key else "api_key.bedrock_ak"
        raise InvalidRequest(f"{field} is required, or a bedrock_api_key.", field=field)
    token = given.get("bedrock_session_token")
    return AWSKey(
        _secret(access_key).reveal(), _secret(secret_key), _secret(token) if token else None
    )


def _secret(value: str | Secret) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


def role_request(target: Target) -> ProviderRequest | None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html; None without a role.

    Raises InvalidRequest where a role is to be taken on and none is named.
    """
    given = target.credentials
    role, mode = given.get("aws_role_arn"), given.get("auth_mode")
    if mode == "assume_role" and not role:
        field = "api_key.aws_role_arn"
        raise InvalidRequest(f"{field} is required to assume a role.", field=field)
    if not role or mode == "access_key_secret" or given.get("bedrock_api_key"):
        return None
    asked = {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": str(role),
        "RoleSessionName": _SESSION_NAME,
        "DurationSeconds": str(_ROLE_LIFETIME_S),
    }
    if given.get("aws_external_id"):
        asked["ExternalId"] = str(given["aws_external_id"])
    body, url = urlencode(asked).encode(), service_url(target, "sts") + "/"
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    headers = {"content-type": kind}
    scope = Scope(region_of(target), "sts")
    signed = signed_headers(_key_of(target), scope, "POST", url, headers, body)
    return ProviderRequest("POST", url, signed, body)


def role_grant(body: bytes) -> Grant:
    """The role's own key, from the XML that STS answers in."""
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    texts = [xml_text(body, name) for name in names]
    if not all(texts):
        raise bad_reply("the reply holds no credentials of a role")
    access_key, secret_key, token = map(Secret, texts)
    granted = {
        "bedrock_ak": access_key,
        "bedrock_sk": secret_key,
        "bedrock_session_token": token,
    }
    return Grant(granted, float(_ROLE_LIFETIME_S))


def xml_text(body: bytes, name: str) -> str:
    """The text of the first element of that name; empty where there is none."""
    found = re.search(rf"<{name}>\s*([^<]*?)\s*</{name}>", body.decode("utf-8", "replace"))
    return unescape(found[1]) if found else ""
