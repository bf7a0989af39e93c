"""Promise 11, the part below the gateway: a stream cut at any byte is never taken for an answer."""

import asyncio

import pytest

from providers.protocols.failures import ProviderError
from providers.protocols.openai import OpenAIStreamReader
from providers.protocols.wire import ProviderRequest
from providers.transport import Transport
from tests.provider_server import raw_server
from tests.providers.calls import LOOPBACK

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
ANSWER = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n'
DONE = b"data: [DONE]\n\n"


def _chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


async def _read_all(transport: Transport, url: str) -> tuple[OpenAIStreamReader, bytes]:
    """Read as the gateway does: until the end marker, or the end of the body."""
    reader = OpenAIStreamReader(hide_usage=False)
    passed = b""
    async with await transport.send(ProviderRequest("POST", url)) as response:
        while not reader.has_end_marker and (chunk := await response.read_chunk()):
            passed += reader.feed(chunk)
    return reader, passed


async def test_a_stream_cut_at_any_byte_is_an_error_and_never_done() -> None:
    whole = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + _chunked(ANSWER, FINISH, USAGE, DONE)
    end_of_marker = whole.index(DONE) + len(DONE)
    cuts = iter(range(len(whole) + 1))
    failed: list[int] = []

    async def serve(stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stream.readuntil(b"\r\n\r\n")
        writer.write(whole[: next(cuts)])

    async with raw_server(serve) as url, Transport(LOOPBACK) as transport:
        for cut in range(len(whole) + 1):
            try:
                reader, passed = await _read_all(transport, url)
                assert passed + reader.finish() == ANSWER + FINISH + USAGE + DONE
            except ProviderError:
                failed.append(cut)
    assert failed == list(range(end_of_marker))


@pytest.mark.parametrize("is_finished", [True, False])
async def test_a_body_that_ends_with_its_connection_is_done_when_it_says_so(
    is_finished: bool,
) -> None:
    body = ANSWER + (FINISH if is_finished else b"")

    async def serve(stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stream.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"\r\n" + body)

    async with raw_server(serve) as url, Transport(LOOPBACK) as transport:
        reader, passed = await _read_all(transport, url)
    assert passed == body
    assert reader.is_done is is_finished
