"""The wire between the hub and a provider: what RFC 9112 allows, and what must not work."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from llmhub.base.errors import InvalidRequest
from providers import http_pool
from providers.protocols.failures import FailureKind
from providers.protocols.wire import ProviderRequest
from providers.transport import Deadlines, Transport
from tests.provider_server import raw_server
from tests.providers.calls import LOOPBACK, exchange, failure_of

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Scripted:
    """Answers the requests of each connection with the next bytes; counts connections."""

    def __init__(self, *answers: bytes, closes: bool = False) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._answers = list(answers)
        self._closes = closes

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while self._answers:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self._answers.pop(0))
                await writer.drain()
                if self._closes:
                    return
            await reader.read()


async def _get(transport: Transport, url: str) -> bytes:
    return await exchange(transport, ProviderRequest("GET", url))


async def test_the_head_of_a_request_is_framed_by_the_hub_alone(transport: Transport) -> None:
    server = Scripted(OK)
    chosen = {"Content-Length": "999", "transfer-encoding": "chunked", "Host": "other.test"}
    async with raw_server(server) as url:
        await exchange(transport, ProviderRequest("POST", url + "/a?b=%20c", chosen))
    (head,) = server.requests
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/a?b=%20c HTTP/1.1"
    named = [line.partition(":")[0].lower() for line in lines[1:] if line]
    assert len(named) == len(set(named))
    assert "content-length: 0" in lines
    assert "transfer-encoding" not in named
    assert "other.test" not in head.decode()


@pytest.mark.parametrize("name", ["a b", "a:b", "", "é", "a\tb"])
async def test_a_header_is_named_by_a_token(transport: Transport, name: str) -> None:
    with pytest.raises(InvalidRequest):
        await transport.send(ProviderRequest("GET", "http://127.0.0.1:1/", {name: "x"}))


async def test_interim_replies_are_passed_over(transport: Transport) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    server = Scripted(early + OK, OK)
    async with raw_server(server) as url:
        async with await transport.send(ProviderRequest("GET", url)) as response:
            assert response.status == 200
            assert "link" not in response.headers
            assert await response.read() == b"ok"
        assert await _get(transport, url) == b"ok"
    assert server.connections == 1


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_body_ends_at_its_headers(transport: Transport, status: int) -> None:
    server = Scripted(f"HTTP/1.1 {status} None\r\n\r\n".encode(), OK)
    async with raw_server(server) as url:
        assert await _get(transport, url) == b""
        assert await _get(transport, url) == b"ok"
    assert server.connections == 1


async def test_the_reply_to_head_has_no_body(transport: Transport) -> None:
    server = Scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    async with raw_server(server) as url:
        assert await exchange(transport, ProviderRequest("HEAD", url)) == b""


async def test_trailers_are_no_headers_and_keep_the_connection(transport: Transport) -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Late: 1\r\n\r\n"
    )
    server = Scripted(chunked, OK)
    async with raw_server(server) as url:
        async with await transport.send(ProviderRequest("GET", url)) as response:
            assert await response.read() == b"ok"
            assert "x-late" not in response.headers
        assert await _get(transport, url) == b"ok"
    assert server.connections == 1


async def test_repeated_headers_are_one(transport: Transport) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: 1\r\nx-a: 2\r\n\r\n"
    async with raw_server(Scripted(head)) as url:
        response = await transport.send(ProviderRequest("GET", url))
        assert response.headers["x-a"] == "1, 2"


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged",
        OK + b"rubbish",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_a_connection_that_cannot_be_trusted_serves_once(
    transport: Transport, answer: bytes
) -> None:
    """What follows a reply uninvited would be taken for the answer to somebody else's call."""
    server = Scripted(answer, OK)
    async with raw_server(server) as url:
        assert await _get(transport, url) == b"ok"
        assert await _get(transport, url) == b"ok"
    assert server.connections == 2


async def test_what_comes_while_nobody_asks_drops_the_connection(transport: Transport) -> None:
    connections = 0
    is_dropped = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        if connections == 1:
            await writer.drain()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
            with suppress(ConnectionError):
                await reader.read()
            is_dropped.set()

    async with raw_server(serve) as url:
        assert await _get(transport, url) == b"ok"
        await asyncio.wait_for(is_dropped.wait(), 5)
        assert await _get(transport, url) == b"ok"
    assert connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    ],
)
async def test_a_reply_that_can_be_read_in_two_ways_is_none(
    transport: Transport, answer: bytes
) -> None:
    async with raw_server(Scripted(answer)) as url:
        failure = await failure_of(_get(transport, url))
    assert failure.kind is FailureKind.BAD_REPLY


async def test_trailers_of_any_size_do_not_fill_the_memory(transport: Transport) -> None:
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Late: "
    async with raw_server(Scripted(endless + b"x" * 1_000_000)) as url:
        failure = await failure_of(_get(transport, url))
    assert failure.is_targets_fault


async def test_a_reader_that_rests_holds_the_provider_back(transport: Transport) -> None:
    size, sent = 64 * 1024 * 1024, 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        with suppress(ConnectionError):
            while sent < size:
                writer.write(b"x" * 65536)
                await writer.drain()
                sent += 65536

    async with raw_server(serve) as url:
        response = await transport.send(ProviderRequest("GET", url))
        received = len(await response.read_chunk())
        await _until_still(lambda: sent)
        assert sent < size / 2
        while chunk := await response.read_chunk():
            received += len(chunk)
    assert received == size


async def _until_still(figure: Callable[[], int]) -> None:
    """Wait until a figure no longer grows."""
    before = -1
    while before != figure():
        before = figure()
        await asyncio.sleep(0.1)


async def test_an_answer_before_the_end_of_a_big_body_is_taken(transport: Transport) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal)
        await writer.drain()
        await asyncio.Event().wait()

    async with raw_server(serve) as url:
        request = ProviderRequest("POST", url, body=b"x" * (32 * 1024 * 1024))
        async with await transport.send(request, deadlines=Deadlines(first_byte_s=30)) as response:
            assert response.status == 413
            assert await response.read() == b"big"


async def test_a_call_that_costs_is_not_sent_twice_and_one_that_reads_is(
    transport: Transport,
) -> None:
    """The provider closes a kept connection at the moment at which the next call goes out."""
    for method, calls in (("POST", 2), ("GET", 3)):
        seen = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal seen
            await reader.readuntil(b"\r\n\r\n")
            seen += 1
            writer.write(OK)
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await reader.readuntil(b"\r\n\r\n")
                seen += 1

        async with raw_server(serve) as url:
            assert await exchange(transport, ProviderRequest(method, url)) == b"ok"
            again = exchange(transport, ProviderRequest(method, url))
            if method == "GET":
                assert await again == b"ok"
            else:
                assert (await failure_of(again)).kind is FailureKind.UNREACHABLE
        assert seen == calls


async def test_calls_beyond_the_limit_wait_for_their_turn() -> None:
    server_connections, most, open_now = 0, 0, 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal server_connections, most, open_now
        server_connections += 1
        open_now += 1
        most = max(most, open_now)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(0)
                writer.write(OK)
        open_now -= 1

    async with raw_server(serve) as url, Transport(LOOPBACK, max_connections_per_host=2) as few:
        answers = await asyncio.gather(*(_get(few, url) for _ in range(40)))
    assert answers == [b"ok"] * 40
    assert most == server_connections == 2


async def test_an_idle_connection_makes_room_for_another_host() -> None:
    async with (
        raw_server(Scripted(OK, OK)) as one,
        raw_server(Scripted(OK, OK)) as other,
        Transport(LOOPBACK, max_connections=1) as single,
    ):
        for url in (one, other, one):
            assert await asyncio.wait_for(_get(single, url), 5) == b"ok"


async def test_a_call_that_is_given_up_leaves_its_turn_to_the_next() -> None:
    is_free = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await is_free.wait()
                writer.write(OK)

    async with raw_server(serve) as url, Transport(LOOPBACK, max_connections=1) as single:
        first = asyncio.create_task(_get(single, url))
        await asyncio.sleep(0)
        given_up = asyncio.create_task(_get(single, url))
        last = asyncio.create_task(_get(single, url))
        await asyncio.sleep(0)
        given_up.cancel()
        is_free.set()
        assert await asyncio.wait_for(asyncio.gather(first, last), 5) == [b"ok", b"ok"]


async def test_connections_that_wait_too_long_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pool, "KEEP_S", 0.02)
    is_closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        with suppress(ConnectionError):
            await reader.read()
        is_closed.set()

    async with raw_server(serve) as url, Transport(LOOPBACK) as transport:
        assert await _get(transport, url) == b"ok"
        await asyncio.wait_for(is_closed.wait(), 5)
