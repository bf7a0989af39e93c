"""The request's body: read within bounds, and JSON that a call can be made of."""

import asyncio
import json
from typing import Any, NoReturn

import orjson

from gateway.caller import Caller
from gateway.errors import BadRequest, BodyTooLarge, EncodingRefused

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_CONTAINERS = 50_000
"""Objects and lists in a body. Ten megabytes of empty lists would become hundreds in memory."""
MAX_VALUES = 1_000_000
"""Numbers and texts in a body: as floats they take 32 bytes each. Commas in texts count too."""
BODY_S = 120.0
"""The whole body; ten megabytes need 0.7 Mbit/s."""
_SMALL_BYTES = 64 * 1024

# A server behind the hub that is itself a gateway may obey these: promise 29.
ADDRESS_FIELDS = frozenset({"api_base", "base_url", "api_key", "azure_endpoint"})

Payload = dict[str, Any]


async def payload_read(caller: Caller) -> Payload:
    """The body as a JSON object.

    Raises BodyTooLarge, EncodingRefused, BadRequest for what is no such object, CallerStalled and
    CallerGone.
    """
    if caller.header(b"content-encoding") not in (None, b"identity"):
        raise EncodingRefused("Send the body uncompressed.")
    return payload_parse(await _read(caller))


def payload_parse(body: bytes) -> Payload:
    if len(body) > _SMALL_BYTES:
        _require_few(body)
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error}", code="invalid_json") from None
    if not isinstance(payload, dict):
        raise BadRequest("The body is not a JSON object.", code="invalid_json")
    _require_unique_keys(body)
    if not ADDRESS_FIELDS.isdisjoint(payload):
        field = next(name for name in payload if name in ADDRESS_FIELDS)
        raise BadRequest(
            f"A request does not choose a provider's address or key: leave out {field}.",
            param=field,
        )
    return payload


def _require_few(body: bytes) -> None:
    """Before it is parsed: so many objects would take many times its size."""
    if body.count(b"{") + body.count(b"[") > MAX_CONTAINERS:
        raise BadRequest(f"The body holds more than {MAX_CONTAINERS} objects and lists.")
    if body.count(b",") > MAX_VALUES:
        raise BadRequest(f"The body holds more than {MAX_VALUES} values.")


def _require_unique_keys(body: bytes) -> None:
    """Of two values orjson keeps the last, and another reader may keep the first."""
    try:
        json.loads(body, object_pairs_hook=_unique)
    except RecursionError:
        raise BadRequest("The body is nested too deeply.", code="invalid_json") from None


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) == len(pairs):
        return
    seen = set()
    for name, _ in pairs:
        if name in seen:
            _refuse_duplicate(name)
        seen.add(name)


def _refuse_duplicate(name: str) -> NoReturn:
    message = f"The body has the key {name[:80]!r} twice in one object."
    raise BadRequest(message, code="duplicate_key", param=name[:80])


async def _read(caller: Caller) -> bytes:
    _require_size(_announced(caller.header(b"content-length")))
    ends_at = asyncio.get_running_loop().time() + BODY_S
    body, more = await caller.receive_body(ends_at)
    if not more:
        _require_size(len(body))
        return body
    parts, size = [body], len(body)
    while more:
        part, more = await caller.receive_body(ends_at)
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
