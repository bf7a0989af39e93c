import asyncio
import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest

from providers.protocols.failures import FailureKind
from providers.protocols.wire import ProviderRequest
from providers.transport import Deadlines, Transport
from tests.provider_server import ProviderServer, Reply, raw_server
from tests.providers.calls import PATH, SOON, chat_request, exchange, failure_of


async def test_chunks_come_as_they_are_sent(provider: ProviderServer, transport: Transport) -> None:
    chunks = [b"one", b"two", b"three"]
    provider.script(PATH, Reply(chunks=chunks, pause_s=0.01))
    async with await transport.send(chat_request(provider)) as response:
        assert b"".join([chunk async for chunk in response.iter_chunks()]) == b"".join(chunks)
        assert await response.read_chunk() == b""


async def test_an_end_marker_need_not_cost_the_connection(transport: Transport) -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nend\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
                writer.write(b"0\r\n\r\n")

    async with raw_server(serve) as url:
        for _ in range(3):
            response = await transport.send(ProviderRequest("GET", url))
            assert await response.read_chunk() == b"end"
            await response.drain(within_s=5)
    assert connections == 1


async def test_hop_by_hop_headers_and_cookies_do_not_come_through(
    provider: ProviderServer, transport: Transport
) -> None:
    hop = {"connection": "x-private, close", "x-private": "1", "keep-alive": "5", "upgrade": "h2c"}
    provider.script(PATH, Reply(headers={**hop, "set-cookie": "a=b", "x-request-id": "7"}))
    async with await transport.send(chat_request(provider)) as response:
        assert response.headers["x-request-id"] == "7"
        assert not response.headers.keys() & {*hop, "set-cookie", "transfer-encoding"}
    await exchange(transport, chat_request(provider))
    assert "cookie" not in provider.seen[1].headers


async def test_silence_within_the_answer_has_a_deadline(
    provider: ProviderServer, transport: Transport
) -> None:
    provider.script(PATH, Reply(chunks=[b"one"], ending="hang"))
    failure = await failure_of(exchange(transport, chat_request(provider), idle_s=SOON))
    assert failure.kind is FailureKind.TIMEOUT
    assert "Nothing more came for 0.05 s" in failure.message


async def test_an_answer_without_end_has_a_deadline(
    provider: ProviderServer, transport: Transport
) -> None:
    provider.script(PATH, Reply(chunks=[b"x"] * 10_000, pause_s=0.001))
    failure = await failure_of(exchange(transport, chat_request(provider), total_s=0.1, idle_s=5))
    assert failure.kind is FailureKind.TIMEOUT
    assert "not complete within 0.1 s" in failure.message


async def test_a_reader_that_takes_its_time_is_not_the_providers_silence(
    provider: ProviderServer, transport: Transport
) -> None:
    provider.script(PATH, Reply(chunks=[b"one", b"two"], pause_s=0.01))
    deadlines = Deadlines(idle_s=SOON)
    async with await transport.send(chat_request(provider), deadlines=deadlines) as response:
        first = await response.read_chunk()
        await asyncio.sleep(3 * SOON)
        assert first + await response.read() == b"onetwo"


async def test_an_answer_that_is_cut_is_no_short_answer(
    provider: ProviderServer, transport: Transport
) -> None:
    provider.script(PATH, Reply(chunks=[b"one"], ending="cut"))
    failure = await failure_of(exchange(transport, chat_request(provider)))
    assert failure.kind is FailureKind.UNREACHABLE
    assert failure.http_status == 200
    assert "lost within the answer" in failure.message


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 99)[:-9],
    ],
)
async def test_a_body_that_breaks_off_is_an_error(transport: Transport, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    async with raw_server(serve) as url:
        failure = await failure_of(exchange(transport, ProviderRequest("GET", url)))
    assert failure.is_targets_fault


async def test_leaving_early_cancels_the_call_at_the_provider(transport: Transport) -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        with suppress(ConnectionError):
            assert await reader.read() == b""
        ended.set()

    async with raw_server(serve) as url:
        async with await transport.send(ProviderRequest("GET", url)) as response:
            assert await response.read_chunk() == b"one"
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_reply_is_bounded_in_size(provider: ProviderServer, transport: Transport) -> None:
    provider.script(PATH, *[Reply(body=b"x" * 1000)] * 3)
    async with await transport.send(chat_request(provider)) as response:
        failure = await failure_of(response.read(max_bytes=999))
    assert failure.kind is FailureKind.BAD_REPLY
    async with await transport.send(chat_request(provider)) as response:
        assert len(await response.read(max_bytes=1000)) == 1000
    async with await transport.send(chat_request(provider)) as response:
        assert await response.read_head(10) == b"x" * 10


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
async def test_a_reply_that_is_compressed_all_the_same_is_read(
    provider: ProviderServer, transport: Transport, compress: Callable[[bytes], bytes]
) -> None:
    plain = b"words " * 100_000
    encoding = "gzip" if compress is gzip.compress else "deflate"
    provider.script(PATH, Reply(body=compress(plain), headers={"content-encoding": encoding}))
    async with await transport.send(chat_request(provider)) as response:
        assert await response.read() == plain
        assert not response.headers.keys() & {"content-encoding", "content-length"}


async def test_a_compressed_bomb_is_stopped(provider: ProviderServer, transport: Transport) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    provider.script(PATH, Reply(body=bomb, headers={"content-encoding": "gzip"}))
    async with await transport.send(chat_request(provider)) as response:
        failure = await failure_of(response.read(max_bytes=1_000_000))
    assert failure.kind is FailureKind.BAD_REPLY


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
async def test_a_compression_that_is_not_known_is_refused(
    provider: ProviderServer, transport: Transport, encoding: str
) -> None:
    provider.script(PATH, Reply(body=b"x", headers={"content-encoding": encoding}))
    assert (await failure_of(transport.send(chat_request(provider)))).kind is FailureKind.BAD_REPLY


async def test_broken_compression_is_a_bad_reply(
    provider: ProviderServer, transport: Transport
) -> None:
    provider.script(PATH, Reply(body=b"not gzip", headers={"content-encoding": "gzip"}))
    failure = await failure_of(exchange(transport, chat_request(provider)))
    assert failure.kind is FailureKind.BAD_REPLY
