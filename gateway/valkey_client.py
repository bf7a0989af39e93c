"""The gateway's connection to Valkey or Redis: one for each process, shared by all requests.

Commands of concurrent requests leave in one write and their replies come back in order, so a
command costs a few microseconds and no connection of its own.
https://valkey.io/topics/protocol/
"""

import asyncio
import hashlib
import logging
import random
import socket
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import hiredis

from gateway.valkey_address import ValkeyAddress

logger = logging.getLogger(__name__)

DEADLINE_S = 0.5
"""The longest wait for a reply. What asks has a way to go on without Valkey."""
MAX_PENDING = 10_000
_TICK_S = 0.1
_BACKOFF_S = (0.05, 2.0)

Argument = bytes | str


class ValkeyAway(Exception):
    """No reply: not connected, too slow, or too much is waiting. The command may have run."""


class ValkeyReplyError(Exception):
    """Valkey answered with an error."""


class Script:
    """A Lua script, known to Valkey by its SHA-1."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class ValkeyClient:
    """Connects by itself, and again after a loss. `open` starts it, `close` ends it.

    While there is no connection every command raises ValkeyAway at once. `connections` counts how
    often one was made: what was learned over an earlier one may be out of date.
    """

    connections = 0

    def __init__(self, address: ValkeyAddress) -> None:
        self._address = address
        self._wire: _Wire | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def open(self, wait_s: float = 1.0) -> None:
        """Wait a moment for the first connection; where there is none, go on without it."""
        connected = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep_connected(connected))
        await asyncio.wait([connected], timeout=wait_s)

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._wire is not None:
            self._wire.drop("closing")
            await self._wire.closed

    @property
    def is_connected(self) -> bool:
        return self._wire is not None and not self._wire.lost.done()

    async def command(self, *arguments: Argument) -> Any:
        """The reply: bytes, int, list or None. Raises ValkeyAway and ValkeyReplyError."""
        if self._wire is None:
            raise ValkeyAway("not connected")
        return await self._wire.send(arguments)

    async def evaluate(
        self, script: Script, keys: Sequence[Argument], arguments: Sequence[Argument]
    ) -> Any:
        """The script's reply, which is made in one step; its text travels the first time alone.
        Raises ValkeyAway and ValkeyReplyError."""
        given = (str(len(keys)), *keys, *arguments)
        try:
            return await self.command("EVALSHA", script.sha, *given)
        except ValkeyReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        return await self.command("EVAL", script.text, *given)

    async def _keep_connected(self, connected: "asyncio.Future[None]") -> None:
        backoff_s = _BACKOFF_S[0]
        while True:
            try:
                wire = await self._connect()
            except (OSError, TimeoutError, ValkeyAway, ValkeyReplyError) as error:
                logger.warning("Valkey is away: %s", error or type(error).__name__)
                await asyncio.sleep(backoff_s * random.uniform(0.5, 1))  # noqa: S311
                backoff_s = min(backoff_s * 2, _BACKOFF_S[1])
                continue
            backoff_s = _BACKOFF_S[0]
            self._wire = wire
            self.connections += 1
            if not connected.done():
                connected.set_result(None)
            reason = await asyncio.shield(wire.lost)
            self._wire = None
            logger.warning("the connection to Valkey was lost: %s", reason)

    async def _connect(self) -> "_Wire":
        address, loop = self._address, asyncio.get_running_loop()
        async with asyncio.timeout(2):
            if address.path:
                made = await loop.create_unix_connection(_Wire, address.path)
            else:
                made = await loop.create_connection(
                    _Wire, address.host, address.port, ssl=address.tls
                )
            wire = made[1]
            try:
                for greeting in address.greetings():
                    await wire.send(greeting)
            except BaseException:
                wire.drop("refused")
                raise
            return wire


class _Wire(asyncio.Protocol):
    """One connection: requests are joined into one write per turn of the loop, replies are matched
    by order. A reply that is late spoils that order, so it ends the connection."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_NOT_YET)
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self.closed: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._watch()

    def send(self, arguments: tuple[Argument, ...]) -> "asyncio.Future[Any]":
        if self.lost.done():
            raise ValkeyAway("not connected")
        if len(self._waiting) >= MAX_PENDING:
            raise ValkeyAway("too many commands are waiting")
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(hiredis.pack_command(arguments))  # type: ignore[arg-type]
        reply = self._loop.create_future()
        self._waiting.append((reply, self._loop.time()))
        return reply

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (value := self._reader.gets()) is not _NOT_YET:
                self._answer(value)
        except hiredis.ProtocolError:
            self.drop("what came back is not the protocol")

    def connection_lost(self, exc: Exception | None) -> None:
        self.drop(str(exc or "closed by the server"))
        self.closed.set_result(None)

    def drop(self, reason: str) -> None:
        """Close the connection; whatever waits for a reply learns that none will come."""
        if self.lost.done():
            return
        self.lost.set_result(reason)
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._transport is not None:
            self._transport.abort()
        for reply, _ in self._waiting:
            if not reply.done():
                reply.set_exception(ValkeyAway(reason))
        self._waiting.clear()

    def _flush(self) -> None:
        if self._transport is not None and not self.lost.done():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _answer(self, value: Any) -> None:
        if not self._waiting:
            self.drop("a reply that nobody asked for")
            return
        reply, _ = self._waiting.popleft()
        if reply.done():
            return
        if isinstance(value, hiredis.ReplyError):
            reply.set_exception(ValkeyReplyError(str(value)))
        else:
            reply.set_result(value)

    def _watch(self) -> None:
        """One timer for the connection, not for each command: only the oldest can be late."""
        if self._waiting and self._loop.time() - self._waiting[0][1] > DEADLINE_S:
            self.drop(f"no reply within {DEADLINE_S} s")
            return
        self._watchdog = self._loop.call_later(_TICK_S, self._watch)


_NOT_YET = object()
