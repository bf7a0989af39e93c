"""Requests of JSON with a key in a header: what nearly every provider's API takes."""

from collections.abc import Mapping
from typing import Any

import orjson

from llmhub.base.secret import Secret
from providers.protocols.wire import ProviderRequest, Target

JSON = "application/json"


def json_post(
    target: Target,
    url: str,
    body: Any,
    left_out: tuple[str, ...] = (),
    headers: Mapping[str, str | Secret] | None = None,
) -> ProviderRequest:
    """`headers` replace the bearer token of `bearer`."""
    key = bearer(target) if headers is None else headers
    return ProviderRequest("POST", url, {"content-type": JSON, **key}, orjson.dumps(body), left_out)


def bearer(
    target: Target, name: str = "api_key", scheme: str = "Bearer"
) -> dict[str, str | Secret]:
    """The header with the credential `name`; none where the target has no such credential."""
    key = target.credentials.get(name)
    if not key:
        return {}
    secret = key if isinstance(key, Secret) else Secret(key)
    return {"authorization": secret.prefixed(f"{scheme} ")}
