"""The application that calls us: one ASGI request and the answer to it.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

ANTHROPICS = "/v1/messages"
_WATCH_AFTER_S = 0.02
"""Most callers of a call that is this short are still there; longer ones are watched."""


class CallerGone(Exception):
    """The caller closed the connection; nobody reads what would be answered."""


class Caller:
    """Reads the request, writes the answer, and notices when nobody is there any more.

    `extra_headers` go with whatever is answered, an error too.
    """

    __slots__ = (
        "_receive",
        "_send",
        "_timer",
        "_watched",
        "_watcher",
        "extra_headers",
        "has_started",
        "is_gone",
        "request_id",
        "scope",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: UUID) -> None:
        self.scope = scope
        self.request_id = request_id
        self.is_gone = False
        self.has_started = False
        self.extra_headers: list[Header] = []
        self._receive = receive
        self._send = send
        self._watched: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def header(self, name: bytes) -> bytes | None:
        """The first header of that name, which is in lower case."""
        for known, value in self.scope["headers"]:
            if known == name:
                return bytes(value)
        return None

    @property
    def is_anthropics(self) -> bool:
        """Whether it calls one of the addresses of Anthropic's API, and so speaks its dialect."""
        path = self.scope["path"]
        return bool(path == ANTHROPICS or path.startswith(f"{ANTHROPICS}/"))

    async def receive_body(self) -> tuple[bytes, bool]:
        """The next part of the body, and whether there is more. Raises CallerGone."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.is_gone = True
            raise CallerGone
        return message.get("body", b""), message.get("more_body", False)

    async def start(self, status: int, headers: list[Header]) -> None:
        self.has_started = True
        headers += self.extra_headers
        request_id = str(self.request_id).encode()
        headers.append((b"x-request-id", request_id))
        if self.is_anthropics:
            headers.append((b"request-id", request_id))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, body: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def respond(self, status: int, headers: list[Header], body: bytes) -> None:
        """A whole answer."""
        headers.append((b"content-length", str(len(body)).encode()))
        await self.start(status, headers)
        await self.write(body, more=False)

    @contextmanager
    def cancelled_when_gone(self) -> Iterator[None]:
        """When the caller goes away, what runs inside the block is cancelled and CallerGone raised.

        For use once the body was read, once per request: it takes the request's messages.
        """
        self._watched = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(_WATCH_AFTER_S, self._start_watching)
        try:
            yield
        except asyncio.CancelledError:
            if not self.is_gone or self._watched is None:
                raise
            self._watched.uncancel()
            raise CallerGone from None
        finally:
            self._watched = None
            self._timer.cancel()
            if self._watcher is not None:
                self._watcher.cancel()

    def _start_watching(self) -> None:
        self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_gone = True
        if self._watched is not None:
            self._watched.cancel()
