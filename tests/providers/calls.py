"""Calls to the scripted provider, and what came of them."""

from collections.abc import Awaitable
from ipaddress import IPv4Network
from typing import Any

import pytest

from providers.protocols.failures import ProviderError, ProviderFailure
from providers.protocols.wire import ProviderRequest
from providers.transport import Deadlines, Transport
from tests.provider_server import ProviderServer

LOOPBACK = (IPv4Network("127.0.0.0/8"),)
PATH = "/v1/chat/completions"
SOON = 0.05
"""Seconds until a deadline that is meant to pass."""


def chat_request(server: ProviderServer, body: bytes = b"{}", **headers: Any) -> ProviderRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ProviderRequest("POST", server.url.removesuffix("/v1") + PATH, named, body)


async def failure_of(attempt: Awaitable[Any]) -> ProviderFailure:
    with pytest.raises(ProviderError) as caught:
        await attempt
    assert "aiohttp" not in type(caught.value.__context__).__module__
    return caught.value.failure


async def exchange(transport: Transport, request: ProviderRequest, **limits: Any) -> bytes:
    async with await transport.send(request, deadlines=Deadlines(**limits)) as response:
        return await response.read()
