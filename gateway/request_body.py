"""The request's body: read within bounds, and JSON that a call can be made of."""

from typing import Any

import orjson

from gateway.caller import Caller
from gateway.errors import BadRequest, BodyTooLarge, EncodingRefused

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_CONTAINERS = 50_000
"""Objects and lists in a body. Ten megabytes of empty lists would become hundreds in memory."""
_SMALL_BYTES = 64 * 1024

# A server behind the hub that is itself a gateway may obey these: promise 29.
ADDRESS_FIELDS = frozenset({"api_base", "base_url", "api_key", "azure_endpoint"})

Payload = dict[str, Any]


async def payload_read(caller: Caller) -> Payload:
    """The body as a JSON object.

    Raises BodyTooLarge, EncodingRefused, BadRequest for what is no such object, and CallerGone.
    """
    if caller.header(b"content-encoding") not in (None, b"identity"):
        raise EncodingRefused("Send the body uncompressed.")
    return payload_parse(await _read(caller))


def payload_parse(body: bytes) -> Payload:
    if len(body) > _SMALL_BYTES and body.count(b"{") + body.count(b"[") > MAX_CONTAINERS:
        raise BadRequest(f"The body holds more than {MAX_CONTAINERS} objects and lists.")
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error}", code="invalid_json") from None
    if not isinstance(payload, dict):
        raise BadRequest("The body is not a JSON object.", code="invalid_json")
    if not ADDRESS_FIELDS.isdisjoint(payload):
        field = next(name for name in payload if name in ADDRESS_FIELDS)
        raise BadRequest(
            f"A request does not choose a provider's address or key: leave out {field}.",
            param=field,
        )
    return payload


async def _read(caller: Caller) -> bytes:
    _require_size(_announced(caller.header(b"content-length")))
    body, more = await caller.receive_body()
    if not more:
        _require_size(len(body))
        return body
    parts, size = [body], len(body)
    while more:
        part, more = await caller.receive_body()
        size += len(part)
        _require_size(size)
        parts.append(part)
    return b"".join(parts)


def _announced(content_length: bytes | None) -> int:
    """The server checks that the header is a number and true; none means that the size shows."""
    return int(content_length) if content_length and content_length.isdigit() else 0


def _require_size(size: int) -> None:
    if size > MAX_BODY_BYTES:
        raise BodyTooLarge(f"The body has more than {MAX_BODY_BYTES // 1024 // 1024} MB.")
