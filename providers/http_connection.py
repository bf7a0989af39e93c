"""HTTP/1.1 to a provider over one connection: a request goes out, a reply comes in, then the next.

RFC 9112. Parsing is llhttp's, which refuses what could be read in two ways. A general HTTP client
costs several times as much for each call: docs/performance.md.
"""

import asyncio
import io
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import cast

import httptools

MAX_HEAD_BYTES = 64 * 1024
"""What may come between two parts of a body: headers, trailers, chunk extensions."""
HIGH_WATER_BYTES = 256 * 1024
"""The provider is held back while more than this waits to be read."""
_PIECE_BYTES = 64 * 1024
_NO_BODY = frozenset({204, 304})


class BrokenExchange(Exception):
    """No reply, or not the whole of it. Carries nothing of the request."""


class Disconnected(BrokenExchange):
    """The connection ended. `is_untouched`: on one that had served before, without a byte."""

    def __init__(self, *, is_untouched: bool = False) -> None:
        super().__init__("the connection ended")
        self.is_untouched = is_untouched


class NotHTTP(BrokenExchange):
    """What came is no HTTP/1.1, or has headers without end."""


class Reply:
    """A reply whose headers have come; its body arrives while it is read.

    `headers` have names in lower case; of a repeated one the values are joined by a comma
    (RFC 9110, section 5.3).
    """

    __slots__ = (
        "_chunks",
        "_connection",
        "_error",
        "_is_whole",
        "_size",
        "_waiter",
        "headers",
        "status",
    )

    def __init__(self, connection: "HTTPConnection") -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._connection: HTTPConnection | None = connection
        self._chunks: list[bytes] = []
        self._size = 0
        self._is_whole = False
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def readany(self) -> bytes:
        """What has come, as soon as there is any; nothing at the end. Raises BrokenExchange."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._is_whole:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        if self._size > HIGH_WATER_BYTES and self._connection is not None:
            self._connection.resume_reading()
        self._size = 0
        return data

    def is_eof(self) -> bool:
        """Whether the whole body has come, read or not."""
        return self._is_whole

    def set_exception(self, error: BaseException) -> None:
        """Who reads, or will, gets this."""
        if self._error is None and not self._is_whole:
            self._error = error
            self._wake()

    def close(self) -> None:
        """Let go. Before the end of the body this drops the connection."""
        if self._connection is not None:
            self._connection.abort()

    def feed(self, data: bytes) -> bool:
        """Gives whether more may come at once."""
        self._chunks.append(data)
        self._size += len(data)
        self._wake()
        return self._size <= HIGH_WATER_BYTES

    def end(self) -> None:
        self._is_whole = True
        self._connection = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class HTTPConnection(asyncio.Protocol):
    """`when_free` is told when the connection can serve again, `when_lost` when it is gone."""

    def __init__(
        self,
        when_free: Callable[["HTTPConnection"], None],
        when_lost: Callable[["HTTPConnection"], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._when_free = when_free
        self._when_lost = when_lost
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._reply: Reply | None = None
        self._head: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._is_paused = False
        self._served = 0
        self.lost: asyncio.Future[None] = self._loop.create_future()

    @property
    def is_usable(self) -> bool:
        return self._reply is None and not self._transport.is_closing()

    async def exchange(
        self,
        head: bytes,
        body: bytes | AsyncGenerator[bytes],
        expires_at: float,
        *,
        is_bodiless: bool = False,
    ) -> Reply:
        """Send a request and wait for the reply's headers until the loop's time `expires_at`.

        A body that is made while it is sent is framed already, and what it raises is raised here.

        `is_bodiless`: the reply to this method has no body (HEAD). Raises BrokenExchange and
        TimeoutError; the connection is gone then, as it is when the caller is cancelled.
        """
        self._begin(is_bodiless)
        reply = self._reply = Reply(self)
        received = self._head = self._loop.create_future()
        timer = self._loop.call_at(expires_at, self._fail, TimeoutError())
        try:
            if not isinstance(body, bytes):
                await self._send_as_it_comes(head, body, received)
            elif len(body) <= _PIECE_BYTES:
                self._transport.write(head + body)
            else:
                await self._send_in_pieces(head, body, received)
            await received
        except BaseException:
            # Nobody waits for the head any more, so its error is nobody's news.
            if not received.cancel() and not received.cancelled():
                received.exception()
            self.abort()
            raise
        finally:
            timer.cancel()
        return reply

    def abort(self) -> None:
        self._transport.abort()

    def resume_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _begin(self, is_bodiless: bool) -> None:
        self._is_bodiless = is_bodiless
        self._is_interim = False
        self._has_head = False
        self._is_whole = False
        self._is_spoiled = False
        self._ends_with_connection = False
        self._is_sent = True
        self._has_received = False
        self._since_body = 0

    async def _send_in_pieces(
        self, head: bytes, body: bytes, received: "asyncio.Future[None]"
    ) -> None:
        """A body as one write would hold up the event loop. A provider that answers before it has
        everything gets no more of it."""
        self._is_sent = False
        self._transport.write(head)
        view = io.BytesIO(body)
        while piece := view.read(_PIECE_BYTES):
            if received.done():
                return
            self._transport.write(piece)
            if self._is_paused:
                self._writable = self._loop.create_future()
                await asyncio.wait((self._writable, received), return_when="FIRST_COMPLETED")
        self._is_sent = not received.done()

    async def _send_as_it_comes(
        self, head: bytes, body: AsyncGenerator[bytes], received: "asyncio.Future[None]"
    ) -> None:
        """Until all is sent, or the provider answers: then whoever makes the body is stopped."""
        self._is_sent = False
        self._transport.write(head)
        sending = asyncio.ensure_future(self._pump(body))
        try:
            await asyncio.wait((sending, received), return_when="FIRST_COMPLETED")
        finally:
            is_over = sending.done()
            if not is_over:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        if is_over:
            sending.result()
            self._is_sent = True

    async def _pump(self, body: AsyncGenerator[bytes]) -> None:
        async with aclosing(body) as pieces:
            async for piece in pieces:
                self._transport.write(piece)
                if self._is_paused:
                    self._writable = self._loop.create_future()
                    await self._writable

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self._reply is None:
            self.abort()  # nobody asked for this
            return
        self._has_received = True
        self._since_body += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # an error of ours: the loop logs it and drops the connection
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._is_spoiled = True
        if self._is_whole:
            self._finish()
        elif self._is_spoiled or self._since_body > MAX_HEAD_BYTES:
            self._fail(NotHTTP("not HTTP"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.resume_writing()
        if self._reply is not None:
            if self._ends_with_connection and exc is None:
                self._reply.end()
            else:
                is_untouched = self._served > 0 and not self._has_received
                self._fail(Disconnected(is_untouched=is_untouched))
            self._reply = None
        if not self.lost.done():
            self.lost.set_result(None)
        self._when_lost(self)

    # httptools

    def on_message_begin(self) -> None:
        if self._is_whole:
            self._is_spoiled = True  # a second reply to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._has_head or self._reply is None:
            return  # a trailer
        headers = self._reply.headers
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        if self._is_whole or self._reply is None:
            return
        status, headers = self._parser.get_status_code(), self._reply.headers
        if 100 <= status < 200:
            self._is_interim = True
            headers.clear()
            return
        self._reply.status = status
        self._has_head = True
        self._since_body = 0
        self._is_kept = self._parser.should_keep_alive() and not self._is_bodiless
        has_length = "content-length" in headers or "transfer-encoding" in headers
        self._ends_with_connection = not has_length and status not in _NO_BODY
        self._is_whole = self._is_bodiless
        if self._head is not None and not self._head.done():
            self._head.set_result(None)

    def on_body(self, data: bytes) -> None:
        if self._is_whole or self._reply is None:
            return
        self._since_body = 0
        if not self._reply.feed(data):
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._is_interim:
            self._is_interim = False
            return
        self._is_whole = True

    def _finish(self) -> None:
        """The reply is whole. The connection serves again where both sides are at a clean end."""
        reply, self._reply = self._reply, None
        assert reply is not None
        reply.end()
        self._served += 1
        if self._is_kept and self._is_sent and not self._is_spoiled:
            self.resume_reading()
            self._when_free(self)
        else:
            self.abort()

    def _fail(self, error: BaseException) -> None:
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
        elif self._reply is not None:
            self._reply.set_exception(error)
        self.abort()
