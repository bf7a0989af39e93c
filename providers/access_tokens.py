"""Fetches and keeps the credentials that some providers want to be asked for first.

A service account's key buys an access token, an access key another role. What is bought lasts for
an hour or so. It is kept in memory alone, and is neither logged nor shown.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from llmhub.base.secret import Secret
from providers.protocols.failures import ProviderError
from providers.protocols.wire import ProviderRequest, Target, TokenSource, WireProtocol
from providers.response import Deadlines

if TYPE_CHECKING:
    from providers.transport import Transport

MAX_KEPT = 10_000

_DEADLINES = Deadlines(first_byte_s=15.0, idle_s=15.0, total_s=20.0)
_MAX_REPLY_BYTES = 256 * 1024
_REFRESHED_AFTER = 0.8
"""Of the lifetime. From then on a new one is fetched while the old one is still used."""
_SPENT_BEFORE_S = 60.0
"""Not used in its last minute: the call that carries it may take a while to arrive."""
_RETRIED_AFTER_S = 30.0
"""After a refresh that failed, while the old one is still good."""


@dataclass(slots=True)
class _Kept:
    """A target with what was granted for it. Moments are of the clock."""

    target: Target
    refresh_at: float
    spent_at: float


@cache
def _token_source(protocol: object) -> TokenSource | None:
    """Looking at what a protocol has takes some microseconds, and there are few protocols."""
    return protocol if isinstance(protocol, TokenSource) else None


class AccessTokens:
    """One for each transport, and so for each event loop. Many calls that need the same credentials
    share one exchange; each connection's are kept apart by the hash of all its credentials."""

    def __init__(self, transport: "Transport", clock: Callable[[], float] = time.monotonic) -> None:
        self._transport = transport
        self._clock = clock
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._pending: dict[bytes, asyncio.Task[Target]] = {}

    async def authorized(self, protocol: WireProtocol, target: Target) -> Target:
        """The target that the protocol's requests are made for; the same one where it is enough.

        Raises ProviderError where the provider grants nothing, and InvalidRequest for credentials
        that cannot be used.
        """
        source = _token_source(protocol)  # type: ignore[arg-type]
        if source is None:
            return target
        key = _key(source, target)
        kept, now = self._kept.get(key), self._clock()
        if kept is not None and now < kept.refresh_at:
            self._kept.move_to_end(key)
            return kept.target
        pending = self._pending.get(key)
        if pending is None:
            request = source.token_request(target)
            if request is None:
                return target
            pending = self._start(key, source, target, request)
        if kept is not None and now < kept.spent_at:
            return kept.target
        return await asyncio.shield(pending)

    def forget(self, target: Target) -> None:
        """Drop what was granted for this target: the provider does not accept it any more."""
        found = [key for key, kept in self._kept.items() if kept.target is target]
        for key in found:
            del self._kept[key]

    async def close(self) -> None:
        for task in list(self._pending.values()):
            task.cancel()
        await asyncio.gather(*self._pending.values(), return_exceptions=True)
        self._kept.clear()

    def _start(
        self, key: bytes, protocol: TokenSource, target: Target, request: ProviderRequest
    ) -> asyncio.Task[Target]:
        task = asyncio.create_task(self._exchange(key, protocol, target, request))
        self._pending[key] = task
        task.add_done_callback(lambda done: self._ended(key, done))
        return task

    def _ended(self, key: bytes, task: asyncio.Task[Target]) -> None:
        del self._pending[key]
        if task.cancelled() or task.exception() is None or key not in self._kept:
            return
        self._kept[key].refresh_at = self._clock() + _RETRIED_AFTER_S

    async def _exchange(
        self, key: bytes, protocol: TokenSource, target: Target, request: ProviderRequest
    ) -> Target:
        try:
            body = await self._send(protocol, request)
            grant = protocol.token_reply(body)
        except ProviderError as error:
            failure = error.failure.masked(target.secrets)
        else:
            granted = replace(target, credentials={**target.credentials, **grant.credentials})
            now = self._clock()
            spent_at = now + grant.lifetime_s - _SPENT_BEFORE_S
            self._kept[key] = _Kept(granted, now + grant.lifetime_s * _REFRESHED_AFTER, spent_at)
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
            return granted
        raise ProviderError(failure)

    async def _send(self, protocol: TokenSource, request: ProviderRequest) -> bytes:
        async with await self._transport.send(request, deadlines=_DEADLINES) as response:
            if response.status != 200:
                body = await response.read_head(_MAX_REPLY_BYTES)
                raise ProviderError(
                    protocol.token_failure_of(response.status, response.headers, body)
                )
            return await response.read(_MAX_REPLY_BYTES)


def _key(protocol: TokenSource, target: Target) -> bytes:
    """Every credential counts, so that no connection is served with another one's grant."""
    hashed = blake2b(digest_size=32)
    for text in (protocol.name, target.base_url, *_flat(target)):
        data = text.encode()
        hashed.update(b"%d:%b" % (len(data), data))
    return hashed.digest()


def _flat(target: Target) -> list[str]:
    texts = []
    for name, value in sorted(target.credentials.items()):
        texts += [name, value.reveal() if isinstance(value, Secret) else value]
    return texts
