"""The only code that opens a connection to a provider.

Every socket is made by one function, which refuses an address that the hub must not talk to. So
neither a name that resolves to something else the second time, nor a redirect, nor a spelling can
lead a request there: what is checked is the very address that is connected to.
"""

import asyncio
import functools
import io
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.http import HttpProcessingError
from yarl import URL

from llmhub.base.errors import AddressForbidden, HubError, InvalidRequest
from llmhub.base.secret import Secret
from providers.access_tokens import AccessTokens
from providers.addresses import IPNetwork, forbidden_message, forbidden_reason
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure
from providers.protocols.wire import ProviderRequest, StreamedBody
from providers.response import Deadlines, ProviderResponse

__all__ = ["Deadlines", "ProviderResponse", "Transport"]

DEFAULT_DEADLINES = Deadlines()

_UNSAFE_IN_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f]")
_BROKEN = (aiohttp.ClientError, HttpProcessingError)
_BIG_BODY_BYTES = 1024 * 1024
_DEFAULT_HEADERS = {"user-agent": "llm-hub", "accept": "*/*", "accept-encoding": "identity"}

AddrInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]


class _Forbidden(OSError):
    """Ends an attempt to connect. The text is the same for every address: aiohttp then keeps the
    type where all addresses of a host are refused."""

    def __init__(self, reason: str) -> None:
        super().__init__("address forbidden")
        self.reason = reason


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
        self._session: aiohttp.ClientSession | None = None
        self.access_tokens = AccessTokens(self)

    async def __aenter__(self) -> Self:
        limit, limit_per_host = self._limits
        connector = aiohttp.TCPConnector(
            limit=limit,
            limit_per_host=limit_per_host,
            resolver=self._resolver,
            socket_factory=self._socket,
            ssl=_tls_context(),
            use_dns_cache=self._dns_cache_s > 0,
            ttl_dns_cache=self._dns_cache_s,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_DEFAULT_HEADERS,
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.access_tokens.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(
        self, request: ProviderRequest, *, deadlines: Deadlines = DEFAULT_DEADLINES
    ) -> ProviderResponse:
        """Send a request and wait for the reply's headers, whatever the status.

        Use the response as an async context manager, or close it. Raises ProviderError for
        everything that keeps a reply from coming, AddressForbidden for an address that the hub
        does not connect to, and InvalidRequest for a line break or zero byte in a header. What a
        streamed body raises while it is sent is raised here.
        """
        if self._session is None:
            raise RuntimeError("the transport is not open")
        url, headers, body = _url(request.url), _headers(request), _body(request.body)
        started = asyncio.get_running_loop().time()
        expiry = asyncio.timeout(min(deadlines.first_byte_s, deadlines.total_s))
        try:
            async with expiry:
                response = await self._session.request(
                    request.method,
                    url,
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                    timeout=_timeout(deadlines.connect_s),
                )
        except (*_BROKEN, TimeoutError) as cause:
            fault = body.fault if isinstance(body, _Feed) else None
            error = fault or _error_of(cause, url, deadlines)
        else:
            return ProviderResponse(response, deadlines, started, _BROKEN)
        # Raised out here, so that it has no context: aiohttp's errors carry the request's headers.
        raise error

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


@functools.lru_cache(maxsize=64)
def _timeout(connect_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect_s)


@functools.lru_cache(maxsize=4096)
def _url(url: str) -> URL:
    if not url.startswith(("https://", "http://")) or _UNSAFE_IN_URL.search(url):
        raise InvalidRequest("The provider's address is not an http(s) URL.", field="api_base")
    try:
        return URL(url, encoded=True)
    except ValueError:
        raise InvalidRequest("The provider's address is not a URL.", field="api_base") from None


def _headers(request: ProviderRequest) -> dict[str, str]:
    headers = {}
    for name, value in request.headers.items():
        text = value.reveal() if isinstance(value, Secret) else value
        if _UNSAFE_IN_HEADER.search(text) or _UNSAFE_IN_HEADER.search(name):
            raise InvalidRequest(f"A line break or zero byte in the header {name!r}.")
        headers[name] = text
    if isinstance(request.body, StreamedBody) and request.body.length is not None:
        headers["content-length"] = str(request.body.length)
    return headers


class _Feed:
    """A body that is sent as it comes. The client says only that it could not send it: `fault` is
    what came instead of the next chunk."""

    def __init__(self, body: StreamedBody) -> None:
        self._body = body
        self.fault: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._body.chunks():
                yield chunk
        except Exception as fault:
            self.fault = fault
            raise


def _body(body: bytes | StreamedBody) -> bytes | io.BytesIO | _Feed | None:
    """A big body goes out in pieces: as one write it would hold up the event loop."""
    if isinstance(body, StreamedBody):
        return _Feed(body)
    if len(body) > _BIG_BODY_BYTES:
        return io.BytesIO(body)
    return body or None


def _error_of(cause: Exception, url: URL, deadlines: Deadlines) -> HubError | ProviderError:
    host = url.host or ""
    if isinstance(cause, aiohttp.ClientConnectorError) and isinstance(cause.os_error, _Forbidden):
        message = forbidden_message(host, cause.os_error.reason)
        return AddressForbidden(message, field="api_base")
    if isinstance(cause, aiohttp.InvalidURL):
        message = f"The hub does not connect to {host}: write the address in its usual form."
        return AddressForbidden(message, field="api_base")
    kind, message = _explain(cause, host, deadlines)
    return ProviderError(ProviderFailure(kind, message))


def _explain(cause: Exception, host: str, deadlines: Deadlines) -> tuple[FailureKind, str]:
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return FailureKind.UNREACHABLE, f"No connection to {host} within {deadlines.connect_s:g} s."
    if isinstance(cause, TimeoutError):
        seconds = min(deadlines.first_byte_s, deadlines.total_s)
        return FailureKind.TIMEOUT, f"No answer from {host} within {seconds:g} s."
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return FailureKind.UNREACHABLE, f"The host {host} is not known."
    if isinstance(cause, aiohttp.ClientSSLError):
        reason = cause.os_error.strerror or "not valid"
        return FailureKind.UNREACHABLE, f"No secure connection to {host}: {reason}"
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        reason = getattr(cause.certificate_error, "verify_message", "") or "not valid"
        return FailureKind.UNREACHABLE, f"The certificate of {host} is refused: {reason}."
    if isinstance(cause, aiohttp.ClientConnectorError):
        number = cause.os_error.errno
        reason = os.strerror(number) if number else "no address answers"
        return FailureKind.UNREACHABLE, f"No connection to {host}: {reason}."
    if isinstance(cause, aiohttp.ClientResponseError | HttpProcessingError):
        return FailureKind.BAD_REPLY, f"What {host} answers is not HTTP."
    return FailureKind.UNREACHABLE, f"{host} closed the connection before it answered."
