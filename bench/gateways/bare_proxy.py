"""The floor: what passing a call on costs with the hub's stack, uvicorn and aiohttp, and no more.

No authentication, no Valkey, no reading of bodies. `BENCH_UPSTREAM` is where calls go.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp

_UPSTREAM = os.environ.get("BENCH_UPSTREAM", "")
_session: aiohttp.ClientSession | None = None

Message = MutableMapping[str, Any]


async def application(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    assert _session is not None
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    headers = {"content-type": "application/json"}
    async with _session.post(_UPSTREAM, data=body, headers=headers) as reply:
        kind = reply.headers["content-type"].encode()
        start = {"type": "http.response.start", "status": reply.status}
        if "content-length" in reply.headers:
            whole = await reply.read()
            length = str(len(whole)).encode()
            await send({**start, "headers": [(b"content-type", kind), (b"content-length", length)]})
            await send({"type": "http.response.body", "body": whole})
            return
        await send({**start, "headers": [(b"content-type", kind)]})
        async for chunk in reply.content.iter_any():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _live(
    receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    global _session
    await receive()
    _session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1000), cookie_jar=aiohttp.DummyCookieJar()
    )
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await _session.close()
    await send({"type": "lifespan.shutdown.complete"})
