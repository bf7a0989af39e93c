"""The gateway's own connection to Valkey."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from django.conf import settings

from gateway.valkey_address import ValkeyAddress, valkey_address
from gateway.valkey_client import (
    DEADLINE_S,
    ValkeyAway,
    ValkeyClient,
    ValkeyReplyError,
)
from llmhub.base.secret import Secret


@pytest.fixture
async def client() -> AsyncIterator[ValkeyClient]:
    made = ValkeyClient(valkey_address(settings.HUB.redis_url))
    await made.open()
    yield made
    await made.close()


async def test_replies_come_to_who_asked(client: ValkeyClient) -> None:
    async def echo(number: int) -> None:
        text = f"{number}" * (number % 50 + 1)
        assert await client.command("ECHO", text) == text.encode()

    await asyncio.gather(*(echo(number) for number in range(1000)))


async def test_a_caller_that_leaves_does_not_shift_the_replies(client: ValkeyClient) -> None:
    leaving = asyncio.ensure_future(client.command("ECHO", "left"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await client.command("ECHO", "stayed") == b"stayed"


async def test_an_error_is_raised_and_the_connection_goes_on(client: ValkeyClient) -> None:
    with pytest.raises(ValkeyReplyError, match="unknown command"):
        await client.command("NONSENSE")
    assert await client.command("PING") == b"PONG"


async def test_it_connects_again_after_a_loss(client: ValkeyClient) -> None:
    await client.command("CLIENT", "KILL", "SKIPME", "no", "TYPE", "normal")
    async with asyncio.timeout(10):
        while True:
            try:
                assert await client.command("PING") == b"PONG"
                break
            except ValkeyAway:
                await asyncio.sleep(0.01)


async def test_a_server_that_does_not_answer_is_away_by_the_deadline() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    client = ValkeyClient(ValkeyAddress(port=server.sockets[0].getsockname()[1]))
    await client.open()
    with pytest.raises(ValkeyAway, match=str(DEADLINE_S)):
        await client.command("PING")
    await client.close()
    server.close()
    await server.wait_closed()


async def test_where_nobody_listens_every_command_fails_at_once() -> None:
    client = ValkeyClient(ValkeyAddress(port=1))
    await client.open(wait_s=0.05)
    with pytest.raises(ValkeyAway, match="not connected"):
        await client.command("PING")
    await client.close()


async def test_a_wrong_password_is_no_connection() -> None:
    address = valkey_address(settings.HUB.redis_url)
    client = ValkeyClient(ValkeyAddress(port=address.port, password=Secret("wrong")))
    await client.open(wait_s=0.2)
    assert not client.is_connected
    await client.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://localhost", ("localhost", 6379, "", 0, "", "")),
        ("redis://:p%40ss@h:7000/3", ("h", 7000, "", 3, "", "p@ss")),
        ("redis://me:pw@h/?db=2", ("h", 6379, "", 2, "me", "pw")),
        ("rediss://h:7000", ("h", 7000, "", 0, "", "")),
        ("unix://:pw@/run/valkey.sock?db=1", ("127.0.0.1", 6379, "/run/valkey.sock", 1, "", "pw")),
    ],
)
def test_urls(url: str, expected: tuple[object, ...]) -> None:
    address = valkey_address(url)
    assert expected == (
        address.host,
        address.port,
        address.path,
        address.database,
        address.username,
        address.password.reveal(),
    )
    assert (address.tls is not None) == url.startswith("rediss")
