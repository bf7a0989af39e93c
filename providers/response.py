"""A provider's reply as it arrives: bounded in size and time, and rid of what is not for us.

It knows no HTTP client: `providers.transport` hands it an open reply.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Protocol, Self

from providers.inflate import Inflater
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure

MAX_REPLY_BYTES = 64 * 1024 * 1024
MAX_STREAM_BYTES = 512 * 1024 * 1024

_NOT_FOR_US = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "set-cookie",
        "set-cookie2",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each wait of a call may last, in seconds.

    `connect_s`: for a connection, TLS included. `first_byte_s`: from sending until the reply's
    headers. `idle_s`: between two chunks of the body, while somebody waits for one. `total_s`: for
    everything.
    """

    connect_s: float = 5.0
    first_byte_s: float = 300.0
    idle_s: float = 60.0
    total_s: float = 600.0


class OpenReply(Protocol):
    """What is needed of an HTTP client's reply. `headers` have names in lower case; `is_eof` says
    whether the whole body has come."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    async def readany(self) -> bytes: ...
    def is_eof(self) -> bool: ...
    def set_exception(self, error: BaseException) -> None: ...
    def close(self) -> None: ...


class ProviderResponse:
    """A reply whose headers have come. Read it once: by `read`, `read_chunk` or `iter_chunks`.

    The body is given uncompressed. Whatever breaks it off is a ProviderError: a deadline, a lost
    connection, a body that is too big; so the end of the body is always a clean end. Use it as an
    async context manager: leaving it early cancels the call at the provider.
    """

    def __init__(
        self,
        reply: OpenReply,
        deadlines: Deadlines,
        started: float,
        broken: tuple[type[Exception], ...],
    ) -> None:
        """`started` is the loop's time of sending; `broken` are the client's errors of reading."""
        self.status = reply.status
        self._reply = reply
        self._broken = broken
        self._deadlines = deadlines
        self._ends_at = started + deadlines.total_s
        self._waiting_since: float | None = None
        self._received = 0
        self._max_bytes = MAX_STREAM_BYTES
        self._expired: ProviderError | None = None
        self._loop = asyncio.get_running_loop()
        self._watchdog: asyncio.TimerHandle | None = None
        self._inflater = self._make_inflater()
        if not self._reply.is_eof():
            self._watch()

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; no hop-by-hop headers, no cookies, no coding that is undone."""
        named = {name.strip().lower() for name in self._header("connection").split(",")}
        dropped = _NOT_FOR_US | named | {"content-encoding"}
        if self._inflater is not None:
            dropped |= {"content-length"}
        pairs = self._reply.headers.items()
        return {name: value for name, value in pairs if name not in dropped}

    async def read(self, max_bytes: int = MAX_REPLY_BYTES) -> bytes:
        """The whole body; ProviderError (bad_reply) when it is longer than `max_bytes`."""
        self._max_bytes = max_bytes
        chunks = []
        while chunk := await self.read_chunk():
            chunks.append(chunk)
        return b"".join(chunks)

    async def read_head(self, max_bytes: int) -> bytes:
        """The beginning of the body, such as of an error's page; drops what is beyond."""
        head = bytearray()
        while len(head) < max_bytes and (chunk := await self.read_chunk()):
            head += chunk
        return bytes(head[:max_bytes])

    async def iter_chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes as they arrive."""
        while chunk := await self.read_chunk():
            yield chunk

    async def read_chunk(self) -> bytes:
        """The next bytes as soon as there are any; none at the end."""
        chunk = await (self._read_raw() if self._inflater is None else self._read_inflated())
        if not chunk:
            self._stop_watching()
            return b""
        self._received += len(chunk)
        if self._received > self._max_bytes:
            self.close()
            raise self._bad_reply(f"The reply is longer than {self._max_bytes} bytes.")
        return chunk

    async def drain(self, within_s: float = 0.1) -> None:
        """Read what little follows an end marker, so that the connection can serve again; close."""
        try:
            async with asyncio.timeout(within_s):
                while await self.read_chunk():
                    pass
        except (TimeoutError, ProviderError):
            pass
        self.close()

    def close(self) -> None:
        """Let go. Before the end of the body this drops the connection, which cancels the call."""
        self._stop_watching()
        self._reply.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def _read_raw(self) -> bytes:
        self._waiting_since = self._loop.time()
        try:
            return await self._reply.readany()
        except ProviderError:
            pass
        except self._broken:
            self.close()
        finally:
            self._waiting_since = None
        raise self._expired or self._cut()

    async def _read_inflated(self) -> bytes:
        assert self._inflater is not None
        while data := self._inflater.pending or await self._read_raw():
            piece = self._inflate(self._inflater, data)
            if piece:
                return piece
        if not self._inflater.is_complete:
            raise self._cut()
        return b""

    def _inflate(self, inflater: Inflater, data: bytes) -> bytes:
        try:
            return inflater.feed(data)
        except zlib.error:
            self.close()
            raise self._bad_reply("The reply's compression is broken.") from None

    def _make_inflater(self) -> Inflater | None:
        encoding = self._header("content-encoding").strip().lower()
        if encoding in ("", "identity"):
            return None
        if encoding not in _ENCODINGS:
            self.close()
            raise self._bad_reply("The reply is compressed in a way that was not asked for.")
        return Inflater()

    def _header(self, name: str) -> str:
        return self._reply.headers.get(name, "")

    def _watch(self) -> None:
        """One timer for each reply, not for each chunk: it looks whether a deadline has passed."""
        now = self._loop.time()
        idle_ends_at = (self._waiting_since or now) + self._deadlines.idle_s
        if now >= self._ends_at:
            self._expire(f"The answer was not complete within {self._deadlines.total_s:g} s.")
        elif now >= idle_ends_at:
            self._expire(f"Nothing more came for {self._deadlines.idle_s:g} s within the answer.")
        else:
            at = min(idle_ends_at, self._ends_at)
            self._watchdog = self._loop.call_at(at, self._watch)

    def _expire(self, message: str) -> None:
        failure = ProviderFailure(FailureKind.TIMEOUT, message, self.status)
        self._expired = ProviderError(failure)
        self._reply.set_exception(self._expired)
        self.close()

    def _stop_watching(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _cut(self) -> ProviderError:
        message = "The connection was lost within the answer."
        return ProviderError(ProviderFailure(FailureKind.UNREACHABLE, message, self.status))

    def _bad_reply(self, message: str) -> ProviderError:
        return ProviderError(ProviderFailure(FailureKind.BAD_REPLY, message, self.status))
