"""The hub in one process on one port: /v1 and /v2 are the gateway's, everything else Django's.

`uvicorn llmhub.asgi:application`. In production the two run apart: gateway.app and llmhub.wsgi.
"""

import os
from typing import Any, cast

import orjson
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmhub.settings")
_django = get_asgi_application()

from gateway.app import application as _gateway  # noqa: E402 needs Django to be set up
from gateway.caller import Message, Receive, Scope, Send  # noqa: E402
from llmhub.base.errors import InvalidRequest  # noqa: E402
from llmhub.envelope import failed  # noqa: E402

MAX_BODY_BYTES = 2 * 1024 * 1024


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    is_gateways = scope["type"] != "http" or (scope["path"] + "/").startswith(("/v1/", "/v2/"))
    if is_gateways:
        await _gateway(scope, receive, send)
        return
    body = _BoundedBody(receive, _announced_size(scope))
    if not body.is_too_large:
        await _django(dict(scope), body, cast(Any, send))
    if body.is_too_large:
        await _refuse(send)


def _announced_size(scope: Scope) -> int:
    sizes = (value for name, value in scope["headers"] if name == b"content-length")
    size = next(sizes, b"")
    return int(size) if size.isdigit() else 0


class _BoundedBody:
    """Django reads the whole body before it looks at a request, and lets go of it without an answer
    when the caller is gone: that is what it is told about a body that grows too large."""

    def __init__(self, receive: Receive, announced: int) -> None:
        self.is_too_large = announced > MAX_BODY_BYTES
        self._receive = receive
        self._received = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received <= MAX_BODY_BYTES:
            return message
        self.is_too_large = True
        return {"type": "http.disconnect"}


async def _refuse(send: Send) -> None:
    error = InvalidRequest(
        f"The body has more than {MAX_BODY_BYTES // 1024 // 1024} MB.", code="body_too_large"
    )
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(failed(error))})
