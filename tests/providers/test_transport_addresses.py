"""Promises 29 and 30: a forbidden address gets no connection, however it is named."""

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import IPv4Network

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from llmhub.base.errors import AddressForbidden
from llmhub.base.secret import Secret
from providers.protocols.failures import ProviderError
from providers.protocols.wire import ProviderRequest
from providers.transport import Transport
from tests.provider_server import ProviderServer, Reply

GOOD, FORBIDDEN = "127.0.0.1", "127.0.0.2"
ALLOW = (IPv4Network("127.0.0.1/32"),)
KEY = {"authorization": Secret("Bearer sk-canary")}


class Trap:
    """Listens where nobody may connect, and counts who does."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()

    async def listen(self, port: int) -> asyncio.Server:
        server = await asyncio.start_server(self._count, FORBIDDEN, port)
        self.port = server.sockets[0].getsockname()[1]
        return server


class ScriptedResolver(AbstractResolver):
    """Gives the next list of addresses at each question; the last one for good."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
async def provider() -> AsyncIterator[ProviderServer]:
    async with ProviderServer(host=GOOD) as server:
        yield server


@pytest.fixture
async def trap(provider: ProviderServer) -> AsyncIterator[Trap]:
    """On the provider's port, so that a name can mean both."""
    trap = Trap()
    async with await trap.listen(provider.port):
        yield trap


async def _ask(transport: Transport, host: str, port: int) -> int:
    request = ProviderRequest("GET", f"http://{host}:{port}/v1/models", KEY)
    async with await transport.send(request) as response:
        # The connection is not kept, so that the next call has to make one.
        return response.status


async def test_a_name_that_rebinds_never_reaches_the_forbidden_address(
    provider: ProviderServer, trap: Trap
) -> None:
    answers = [[GOOD] if i % 2 == 0 else [FORBIDDEN] for i in range(1000)]
    resolver = ScriptedResolver(*answers)
    refused = 0
    async with Transport(ALLOW, resolver=resolver, dns_cache_s=0) as transport:
        for i in range(1000):
            try:
                assert await _ask(transport, f"name{i}.test", provider.port) == 200
            except AddressForbidden:
                refused += 1
    assert refused == 500
    assert len(provider.seen) == 500
    assert trap.connections == 0


async def test_of_several_addresses_only_the_allowed_is_connected_to(
    provider: ProviderServer, trap: Trap
) -> None:
    for addresses in ([FORBIDDEN, GOOD], ["::1", FORBIDDEN, GOOD], [GOOD, FORBIDDEN]):
        resolver = ScriptedResolver(addresses)
        async with Transport(ALLOW, resolver=resolver) as transport:
            assert await _ask(transport, "both.test", provider.port) == 200
    assert trap.connections == 0


@pytest.mark.parametrize("addresses", [[FORBIDDEN], [FORBIDDEN, "127.0.0.3", "::1"]])
async def test_a_name_of_forbidden_addresses_alone_is_refused_as_such(
    trap: Trap, addresses: list[str]
) -> None:
    async with Transport(ALLOW, resolver=ScriptedResolver(addresses)) as transport:
        with pytest.raises(AddressForbidden) as caught:
            await _ask(transport, "inside.test", trap.port)
    assert caught.value.http_status == 400
    assert "inside.test" in caught.value.message
    assert not any(address in caught.value.message for address in addresses)
    assert trap.connections == 0


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.2",
        "[::ffff:127.0.0.2]",
        "[::127.0.0.2]",
        "[64:ff9b::7f00:2]",
        "2130706434",
        "017700000002",
        "0x7f000002",
        "0177.0.0.2",
        "0x7f.0.0.2",
        "127.2",
        "127.0.2",
        "１２７.0.0.2",
        "127。0。0。2",
        "127.0.0.2.",
        "①②⑦.0.0.2",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "[::]",
    ],
)
async def test_no_spelling_of_a_forbidden_address_is_connected_to(trap: Trap, host: str) -> None:
    async with Transport(ALLOW) as transport:
        with pytest.raises((AddressForbidden, ProviderError)):
            await _ask(transport, host, trap.port)
    assert trap.connections == 0


async def test_a_redirect_leads_nowhere(provider: ProviderServer, trap: Trap) -> None:
    location = f"http://{FORBIDDEN}:{trap.port}/v1/models"
    provider.script("/v1/models", Reply(307, headers={"location": location}))
    async with Transport(ALLOW) as transport:
        assert await _ask(transport, GOOD, provider.port) == 307
    assert trap.connections == 0


async def test_nothing_local_is_reached_without_the_operators_leave(
    provider: ProviderServer,
) -> None:
    async with Transport() as transport:
        for host in (GOOD, "localhost"):
            with pytest.raises(AddressForbidden, match="HUB_EGRESS_ALLOW"):
                await _ask(transport, host, provider.port)
    assert provider.seen == []


@pytest.mark.allow_hosts([GOOD, FORBIDDEN])
async def test_the_trap_would_have_noticed(trap: Trap) -> None:
    async with Transport((IPv4Network("127.0.0.0/8"),)) as transport:
        with pytest.raises(ProviderError):
            await _ask(transport, FORBIDDEN, trap.port)
    assert trap.connections > 0
