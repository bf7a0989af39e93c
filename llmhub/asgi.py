"""The hub in one process on one port: /v1 is the gateway's, everything else Django's.

`uvicorn llmhub.asgi:application`. In production the two run apart: gateway.app and llmhub.wsgi.
"""

import os
from typing import Any, cast

import orjson
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmhub.settings")
_django = get_asgi_application()

from gateway.app import application as _gateway  # noqa: E402 needs Django to be set up
from gateway.caller import Message, Receive, Scope, Send  # noqa: E402
from llmhub.base.errors import InvalidRequest  # noqa: E402
from llmhub.envelope import failed  # noqa: E402
from llmhub.pooler import pooler_refuse_at_start  # noqa: E402

pooler_refuse_at_start(settings.HUB.database_url)

MAX_BODY_BYTES = 2 * 1024 * 1024


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    is_gateways = scope["type"] != "http" or (scope["path"] + "/").startswith("/v1/")
    if is_gateways:
        await _gateway(scope, receive, send)
        return
    try:
        _require_announced_size(scope)
        await _django(dict(scope), _bounded(receive), cast(Any, send))
    except _BodyTooLarge:
        await _refuse(send)


class _BodyTooLarge(Exception):
    """Ends the reading of a body, before Django has looked at the request."""


def _require_announced_size(scope: Scope) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > MAX_BODY_BYTES:
            raise _BodyTooLarge


def _bounded(receive: Receive) -> Receive:
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise _BodyTooLarge
        return message

    return bounded


async def _refuse(send: Send) -> None:
    error = InvalidRequest(
        f"The body has more than {MAX_BODY_BYTES // 1024 // 1024} MB.", code="body_too_large"
    )
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(failed(error))})
