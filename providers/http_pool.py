"""Connections to providers, kept for the next call: how many there may be, and how one is made."""

import asyncio
import socket
import ssl
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import aiohappyeyeballs

from providers.http_connection import HTTPConnection

KEEP_S = 15.0
"""How long a connection may wait for its next call. Providers close theirs after 60 s or more, and
a call that meets such a closing is lost: it may not be sent twice."""
_SECOND_ADDRESS_AFTER_S = 0.25
_MAX_NAMES = 1_000

AddrInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]


class Resolver(Protocol):
    """What is needed of a resolver: dictionaries with `host`, `port`, `family` and `proto`."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> Sequence[Any]: ...


class NoSuchHost(Exception):
    """The name resolves to nothing."""


class ConnectTimeout(Exception):
    """No connection, TLS included, within the time for it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """https://www.rfc-editor.org/rfc/rfc6454: connections are shared within one."""

    is_tls: bool
    host: str
    port: int


class ConnectionPool:
    """`make_socket` is asked for every socket, with the very address to connect to; it may refuse
    by raising an OSError."""

    def __init__(
        self,
        *,
        make_socket: Callable[[AddrInfo], socket.socket],
        tls: ssl.SSLContext,
        resolver: Resolver,
        limit: int,
        limit_per_host: int,
        dns_cache_s: float,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._make_socket = make_socket
        self._tls = tls
        self._resolver = resolver
        self._limits = (limit, limit_per_host)
        self._dns_cache_s = dns_cache_s
        self._names: dict[tuple[str, int], tuple[float, list[AddrInfo]]] = {}
        self._idle: defaultdict[Origin, list[tuple[HTTPConnection, float]]] = defaultdict(list)
        self._open: defaultdict[Origin, int] = defaultdict(int)
        self._total = 0
        self._live: set[HTTPConnection] = set()
        self._waiting: defaultdict[Origin, deque[asyncio.Future[None]]] = defaultdict(deque)
        self._sweeper: asyncio.TimerHandle | None = None

    def idle(self, origin: Origin) -> HTTPConnection | None:
        """A connection that is open and free, the one that was used last."""
        waiting = self._idle.get(origin)
        while waiting:
            connection, _ = waiting.pop()
            if connection.is_usable:
                return connection
        return None

    async def connect(self, origin: Origin, within_s: float) -> HTTPConnection:
        """A connection, as soon as the limits allow for one.

        Raises ConnectTimeout, NoSuchHost, ssl.SSLError and OSError.
        """
        while not self._has_room(origin):
            await self._wait(origin)
            if (connection := self.idle(origin)) is not None:
                return connection
        self._open[origin] += 1
        self._total += 1
        try:
            async with asyncio.timeout(within_s):
                return await self._dial(origin)
        except BaseException as error:
            self._forget(origin)
            if isinstance(error, TimeoutError):
                raise ConnectTimeout from None
            raise

    async def close(self) -> None:
        """Drop every connection, and wait until it is gone."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        live = list(self._live)
        for connection in live:
            connection.abort()
        if live:
            await asyncio.wait([connection.lost for connection in live], timeout=5)

    async def _dial(self, origin: Origin) -> HTTPConnection:
        addresses = await self._addresses(origin.host, origin.port)
        made = await aiohappyeyeballs.start_connection(
            addresses,
            happy_eyeballs_delay=_SECOND_ADDRESS_AFTER_S,
            interleave=1,
            loop=self._loop,
            socket_factory=self._make_socket,
        )
        try:
            _, connection = await self._loop.create_connection(
                lambda: HTTPConnection(
                    lambda free: self._release(origin, free), lambda _: self._lost(origin, _)
                ),
                sock=made,
                ssl=self._tls if origin.is_tls else None,
                server_hostname=origin.host.rstrip(".") if origin.is_tls else None,
            )
        except BaseException:
            made.close()
            raise
        self._live.add(connection)
        return connection

    async def _addresses(self, host: str, port: int) -> list[AddrInfo]:
        known = self._names.get((host, port))
        if known is not None and known[0] > self._loop.time():
            return list(known[1])
        try:
            found = await self._resolver.resolve(host, port, socket.AF_UNSPEC)
        except (OSError, UnicodeError):
            raise NoSuchHost(host) from None
        infos = [_addr_info(entry) for entry in found]
        if not infos:
            raise NoSuchHost(host)
        if self._dns_cache_s > 0:
            if len(self._names) >= _MAX_NAMES:
                self._names.clear()
            self._names[host, port] = (self._loop.time() + self._dns_cache_s, infos)
        return list(infos)

    def _has_room(self, origin: Origin) -> bool:
        limit, limit_per_host = self._limits
        if self._open[origin] >= limit_per_host:
            return False
        return self._total < limit or self._drop_an_idle_one()

    def _drop_an_idle_one(self) -> bool:
        """Another host's connection that waits for nothing makes room; for the moment that closing
        it takes there is one more than the limit."""
        for waiting in self._idle.values():
            if waiting:
                waiting.pop(0)[0].abort()
                return True
        return False

    async def _wait(self, origin: Origin) -> None:
        turn = self._loop.create_future()
        self._waiting[origin].append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake(origin)  # somebody else's turn then
            raise

    def _wake(self, origin: Origin) -> None:
        queue = self._waiting.get(origin)
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _release(self, origin: Origin, connection: HTTPConnection) -> None:
        self._idle[origin].append((connection, self._loop.time()))
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(KEEP_S / 2, self._sweep)
        self._wake(origin)

    def _lost(self, origin: Origin, connection: HTTPConnection) -> None:
        """A connection whose TLS failed was never ours, and is counted by `connect`."""
        if connection not in self._live:
            return
        self._live.discard(connection)
        waiting = self._idle.get(origin)
        if waiting:
            waiting[:] = [pair for pair in waiting if pair[0] is not connection]
        self._forget(origin)

    def _forget(self, origin: Origin) -> None:
        was_full = self._total >= self._limits[0]
        self._total -= 1
        self._open[origin] -= 1
        if not self._open[origin]:
            del self._open[origin]
            self._idle.pop(origin, None)
        self._wake(origin)
        if was_full:
            for other in list(self._waiting):
                self._wake(other)

    def _sweep(self) -> None:
        """Close what has waited too long."""
        self._sweeper = None
        oldest = self._loop.time() - KEEP_S
        for waiting in self._idle.values():
            for connection, since in waiting:
                if since < oldest:
                    connection.abort()
        if any(self._idle.values()):
            self._sweeper = self._loop.call_later(KEEP_S / 2, self._sweep)


def _addr_info(entry: Any) -> AddrInfo:
    host, port = entry["host"], entry["port"]
    is_v6 = entry["family"] == socket.AF_INET6
    address = (host, port, 0, 0) if is_v6 else (host, port)
    return (entry["family"], socket.SOCK_STREAM, entry["proto"] or socket.IPPROTO_TCP, "", address)
