"""The application that calls us: one ASGI request and the answer to it.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from gateway.errors import CallerStalled

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

ANTHROPICS = "/v1/messages"
_WATCH_AFTER_S = 0.02
"""Most callers of a call that is this short are still there; longer ones are watched."""
RECEIVE_S = 30.0
"""How long a caller may be silent within a request: longer than a phone needs to find another cell,
and short enough that forgotten connections do not pile up."""
WRITE_S = 60.0
"""How long a caller may read nothing of an answer: then its buffers (ours, the kernel's, its own)
have been full all the while, and the provider's stream is held up for nobody."""
ANSWER_S = 900.0
"""A whole answer, however slowly it is read; a provider has 600 s for its part."""
_PIECE_BYTES = 256 * 1024
"""What is handed to the server at once: it would keep all of a larger answer for a slow reader."""


class CallerGone(Exception):
    """The caller closed the connection; nobody reads what would be answered."""


class Caller:
    """Reads the request, writes the answer, and notices when nobody is there any more.

    `extra_headers` go with whatever is answered, an error too.
    """

    __slots__ = (
        "_deadline",
        "_ends_at",
        "_has_body",
        "_is_due",
        "_is_stuck",
        "_receive",
        "_send",
        "_timer",
        "_watched",
        "_watcher",
        "_writer",
        "_writing_since",
        "extra_headers",
        "has_started",
        "is_gone",
        "on_end",
        "request_id",
        "scope",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: UUID) -> None:
        self.scope = scope
        self.request_id = request_id
        self.is_gone = False
        self.has_started = False
        self.extra_headers: list[Header] = []
        self.on_end: Callable[[], None] | None = None
        self._receive = receive
        self._send = send
        self._has_body = False
        self._is_due = False
        self._is_stuck = False
        self._writing_since: float | None = None
        self._ends_at = 0.0
        self._writer: asyncio.Task[Any] | None = None
        self._deadline: asyncio.TimerHandle | None = None
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

    async def receive_body(self, ends_at: float) -> tuple[bytes, bool]:
        """The next part of the body, and whether there is more.

        `ends_at` is the loop's time at which all of it must be there. Raises CallerStalled after
        that, or after RECEIVE_S without a byte, and CallerGone.
        """
        at = min(ends_at, asyncio.get_running_loop().time() + RECEIVE_S)
        try:
            async with asyncio.timeout_at(at):
                message = await self._receive()
        except TimeoutError:
            raise CallerStalled("The rest of the request did not come in time.") from None
        if message["type"] == "http.disconnect":
            self.is_gone = True
            raise CallerGone
        more = message.get("more_body", False)
        self._has_body = not more
        if self._has_body and self._is_due:
            self._start_watching()
        return message.get("body", b""), more

    async def start(self, status: int, headers: list[Header]) -> None:
        """Raises CallerGone, as `write` and `respond` do, for a caller who does not read."""
        self.has_started = True
        headers += self.extra_headers
        request_id = str(self.request_id).encode()
        headers.append((b"x-request-id", request_id))
        if self.is_anthropics:
            headers.append((b"request-id", request_id))
        self._watch_writes()
        await self._write({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, body: bytes, *, more: bool = True) -> None:
        for start in range(0, len(body) - _PIECE_BYTES, _PIECE_BYTES):
            piece = body[start : start + _PIECE_BYTES]
            await self._write({"type": "http.response.body", "body": piece, "more_body": True})
        if len(body) > _PIECE_BYTES:
            body = body[(len(body) - 1) // _PIECE_BYTES * _PIECE_BYTES :]
        await self._write({"type": "http.response.body", "body": body, "more_body": more})

    async def respond(self, status: int, headers: list[Header], body: bytes) -> None:
        """A whole answer."""
        headers.append((b"content-length", str(len(body)).encode()))
        await self.start(status, headers)
        await self.write(body, more=False)

    async def break_off(self) -> None:
        """End the connection in the middle of an answer: what was sent must not look complete."""
        _abort(self._send)
        # The server hears of it in the loop's next round, and then expects no end from us.
        await asyncio.sleep(0)

    def end(self) -> None:
        """The request is over, whatever became of it."""
        if self._deadline is not None:
            self._deadline.cancel()
        if self.on_end is not None:
            self.on_end()

    async def _write(self, message: Message) -> None:
        self._writing_since = asyncio.get_running_loop().time()
        try:
            await self._send(message)
        except asyncio.CancelledError:
            if not self._is_stuck or self._writer is None:
                raise
            self._writer.uncancel()
            raise CallerGone from None
        finally:
            self._writing_since = None

    def _watch_writes(self) -> None:
        """One timer for each answer, not for each write: it looks how long the last one takes."""
        loop = asyncio.get_running_loop()
        self._writer = asyncio.current_task()
        self._ends_at = loop.time() + ANSWER_S
        self._deadline = loop.call_later(WRITE_S, self._check_writes)

    def _check_writes(self) -> None:
        loop = asyncio.get_running_loop()
        now, since = loop.time(), self._writing_since
        is_late = since is not None and (now >= since + WRITE_S or now >= self._ends_at)
        if is_late and self._writer is not None:
            self._is_stuck = self.is_gone = True
            _abort(self._send)
            self._writer.cancel()
            return
        began = now if since is None else since
        self._deadline = loop.call_at(began + WRITE_S, self._check_writes)

    @contextmanager
    def cancelled_when_gone(self) -> Iterator[None]:
        """When the caller goes away, what runs inside the block is cancelled and CallerGone raised.

        For use once per request: it takes the request's messages, once the body was read.
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
        self._is_due = True
        if self._has_body and self._watched is not None:
            self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_gone = True
        if self._watched is not None:
            self._watched.cancel()


def _abort(send: Send) -> None:
    """ASGI has no word for it; uvicorn's `send` belongs to an object that knows the connection.

    Closing would wait until the peer has read what is buffered, which may be never.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
