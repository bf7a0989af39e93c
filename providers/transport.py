"""The only code that opens a connection to a provider.

Every socket is made by one function, which refuses an address that the hub must not talk to. So
neither a name that resolves to something else the second time, nor a redirect, nor a spelling can
lead a request there: what is checked is the very address that is connected to.
"""

import asyncio
import functools
import os
import re
import socket
import ssl
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import NamedTuple, Self

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver
from yarl import URL

from llmhub.base.errors import AddressForbidden, HubError, InvalidRequest
from llmhub.base.secret import Secret
from providers.access_tokens import AccessTokens
from providers.addresses import IPNetwork, forbidden_message, forbidden_reason
from providers.http_connection import BrokenExchange, Disconnected, NotHTTP, Reply
from providers.http_pool import AddrInfo, ConnectionPool, ConnectTimeout, NoSuchHost, Origin
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure
from providers.protocols.wire import ProviderRequest, StreamedBody
from providers.response import Deadlines, ProviderResponse

__all__ = ["Deadlines", "ProviderResponse", "Transport"]

DEFAULT_DEADLINES = Deadlines()

_UNSAFE_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f]")
_BROKEN = (BrokenExchange, OSError)
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_HEADERS = {"user-agent": "llm-hub", "accept": "*/*", "accept-encoding": "identity"}
_OURS = frozenset({"connection", "content-length", "host", "transfer-encoding"})
"""Headers that say how the message is framed: no request of a protocol chooses them."""


class _Forbidden(OSError):
    """Ends an attempt to connect. The text is the same for every address: the type is then kept
    where all addresses of a host are refused."""

    def __init__(self, reason: str) -> None:
        super().__init__("address forbidden")
        self.reason = reason


class _Place(NamedTuple):
    """What a URL says: where to connect to, and the parts of the request's head."""

    origin: Origin
    target: str
    host_header: str


class Transport:
    """Connections to providers, pooled: one for each process and event loop.

    `egress_allow` opens private networks (see `providers.addresses`). Redirects are not followed,
    cookies not kept, the environment's proxies not used; nothing is logged.

    `access_tokens` keeps what the providers that want it were asked for first.
    """

    def __init__(
        self,
        egress_allow: Iterable[IPNetwork] = (),
        *,
        max_connections: int = 1000,
        max_connections_per_host: int = 500,
        dns_cache_s: int = 10,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._egress_allow = tuple(egress_allow)
        self._limits = (max_connections, max_connections_per_host)
        self._dns_cache_s = dns_cache_s
        self._resolver = resolver
        self._pool: ConnectionPool | None = None
        self.access_tokens = AccessTokens(self)

    async def __aenter__(self) -> Self:
        limit, limit_per_host = self._limits
        self._pool = ConnectionPool(
            make_socket=self._socket,
            tls=_tls_context(),
            resolver=self._resolver or ThreadedResolver(),
            limit=limit,
            limit_per_host=limit_per_host,
            dns_cache_s=self._dns_cache_s,
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.access_tokens.close()
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def send(
        self, request: ProviderRequest, *, deadlines: Deadlines = DEFAULT_DEADLINES
    ) -> ProviderResponse:
        """Send a request and wait for the reply's headers, whatever the status.

        Use the response as an async context manager, or close it. Raises ProviderError for
        everything that keeps a reply from coming, AddressForbidden for an address that the hub
        does not connect to, and InvalidRequest for a line break or zero byte in a header. What a
        streamed body raises while it is sent is raised here.
        """
        if self._pool is None:
            raise RuntimeError("the transport is not open")
        place = _place(request.url)
        head = _head(request, place)
        started = asyncio.get_running_loop().time()
        try:
            reply = await self._exchange(self._pool, request, place, head, deadlines, started)
        except (*_BROKEN, ConnectTimeout, NoSuchHost, TimeoutError) as cause:
            error = _error_of(cause, place.origin.host, deadlines)
        else:
            return ProviderResponse(reply, deadlines, started, _BROKEN)
        # Raised out here, so that it has no context, which could lead to the request's headers.
        raise error

    async def _exchange(
        self,
        pool: ConnectionPool,
        request: ProviderRequest,
        place: _Place,
        head: bytes,
        deadlines: Deadlines,
        started: float,
    ) -> Reply:
        expires_at = started + min(deadlines.first_byte_s, deadlines.total_s)
        is_bodiless = request.method == "HEAD"
        body = _framed(request.body) if isinstance(request.body, StreamedBody) else request.body
        connection = pool.idle(place.origin)
        if connection is not None:
            try:
                return await connection.exchange(head, body, expires_at, is_bodiless=is_bodiless)
            except Disconnected as error:
                # It had been closed by the provider; what changes nothing may be sent again.
                if not error.is_untouched or request.method not in _REPEATABLE:
                    raise
        async with asyncio.timeout_at(expires_at):
            connection = await pool.connect(place.origin, deadlines.connect_s)
        return await connection.exchange(head, body, expires_at, is_bodiless=is_bodiless)

    def _socket(self, addr_info: AddrInfo) -> socket.socket:
        """The one place where sockets are made, from the very address to connect to."""
        family, kind, protocol, _, address = addr_info
        reason = forbidden_reason(address[0], self._egress_allow)
        if reason is not None:
            raise _Forbidden(reason)
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """Loading the certificates takes tens of milliseconds: once for each process."""
    return ssl.create_default_context()


@functools.lru_cache(maxsize=4096)
def _place(url: str) -> _Place:
    if not url.startswith(("https://", "http://")) or _UNSAFE_IN_URL.search(url):
        raise InvalidRequest("The provider's address is not an http(s) URL.", field="api_base")
    try:
        parsed = URL(url, encoded=True)
        host, port = parsed.raw_host, parsed.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise InvalidRequest("The provider's address is not a URL.", field="api_base")
    origin = Origin(parsed.scheme == "https", host, port)
    named = f"[{host}]" if ":" in host else host.rstrip(".")
    is_usual = port == (443 if origin.is_tls else 80)
    return _Place(origin, parsed.raw_path_qs, named if is_usual else f"{named}:{port}")


def _head(request: ProviderRequest, place: _Place) -> bytes:
    """The request line and the headers, to the empty line."""
    headers = _headers(request.headers)
    lines = [f"{request.method} {place.target} HTTP/1.1\r\nhost: {place.host_header}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers.items()]
    if request.body or request.method not in _REPEATABLE:
        lines.append(_length(request.body))
    lines.append("\r\n")
    return "".join(lines).encode()


def _length(body: bytes | StreamedBody) -> str:
    length = body.length if isinstance(body, StreamedBody) else len(body)
    if length is None:
        return "transfer-encoding: chunked\r\n"
    return f"content-length: {length}\r\n"


async def _framed(body: StreamedBody) -> AsyncGenerator[bytes]:
    """In chunks where the length is not known. RFC 9112, section 7.1."""
    is_chunked = body.length is None
    async with aclosing(body.chunks()) as chunks:
        async for chunk in chunks:
            if chunk:
                yield b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk
    if is_chunked:
        yield b"0\r\n\r\n"


def _headers(given: Mapping[str, str | Secret]) -> dict[str, str]:
    headers = dict(_DEFAULT_HEADERS)
    for name, value in given.items():
        text = value.reveal() if isinstance(value, Secret) else value
        if _UNSAFE_IN_VALUE.search(text) or not _TOKEN.fullmatch(name):
            raise InvalidRequest(f"A line break or zero byte in the header {name!r}.")
        if (lower := name.lower()) not in _OURS:
            headers[lower] = text
    return headers


def _error_of(cause: Exception, host: str, deadlines: Deadlines) -> HubError | ProviderError:
    if isinstance(cause, _Forbidden):
        return AddressForbidden(forbidden_message(host, cause.reason), field="api_base")
    kind, message = _explain(cause, host, deadlines)
    return ProviderError(ProviderFailure(kind, message))


def _explain(cause: Exception, host: str, deadlines: Deadlines) -> tuple[FailureKind, str]:
    if isinstance(cause, ConnectTimeout):
        return FailureKind.UNREACHABLE, f"No connection to {host} within {deadlines.connect_s:g} s."
    if isinstance(cause, TimeoutError):
        seconds = min(deadlines.first_byte_s, deadlines.total_s)
        return FailureKind.TIMEOUT, f"No answer from {host} within {seconds:g} s."
    if isinstance(cause, NoSuchHost):
        return FailureKind.UNREACHABLE, f"The host {host} is not known."
    if isinstance(cause, NotHTTP):
        return FailureKind.BAD_REPLY, f"What {host} answers is not HTTP."
    if isinstance(cause, Disconnected):
        return FailureKind.UNREACHABLE, f"{host} closed the connection before it answered."
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = cause.verify_message or "not valid"
        return FailureKind.UNREACHABLE, f"The certificate of {host} is refused: {reason}."
    if isinstance(cause, ssl.SSLError):
        reason = cause.strerror or "not valid"
        return FailureKind.UNREACHABLE, f"No secure connection to {host}: {reason}"
    number = cause.errno if isinstance(cause, OSError) else None
    reason = os.strerror(number) if number else "no address answers"
    return FailureKind.UNREACHABLE, f"No connection to {host}: {reason}."
