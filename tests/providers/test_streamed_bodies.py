"""Bodies that go out as they come."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

import pytest

from providers.protocols.openai.multipart import multipart_encode
from providers.protocols.wire import AudioFile, StreamedBody
from providers.transport import Transport
from tests.provider_server import ProviderServer, Reply
from tests.providers.calls import PATH, chat_request, exchange

CHUNKS = [b"a" * 100_000, b"", b"b" * 100_000]


class CallerLeft(Exception):
    pass


async def chunks() -> AsyncGenerator[bytes]:
    for chunk in CHUNKS:
        yield chunk


def streamed(provider: ProviderServer, make: Callable[[], AsyncGenerator[bytes]], **more: int):
    return replace(chat_request(provider), body=StreamedBody(make, **more))


@pytest.mark.parametrize("length", [None, 200_000])
async def test_it_arrives_whole(
    provider: ProviderServer, transport: Transport, length: int | None
) -> None:
    request = replace(chat_request(provider), body=StreamedBody(chunks, length))
    await exchange(transport, request)
    await exchange(transport, request)
    first, second = provider.seen
    assert first.body == second.body == b"".join(CHUNKS)
    assert first.headers.get("content-length") == (str(length) if length else None)
    assert first.headers.get("transfer-encoding") == (None if length else "chunked")


async def test_what_breaks_it_off_is_raised(provider: ProviderServer, transport: Transport) -> None:
    async def broken() -> AsyncGenerator[bytes]:
        yield b"a"
        raise CallerLeft

    with pytest.raises(CallerLeft):
        await transport.send(streamed(provider, broken))
    assert provider.seen == []


async def test_an_early_answer_ends_the_upload(
    provider: ProviderServer, transport: Transport
) -> None:
    """A provider that refuses need not be sent the rest."""
    is_over = asyncio.Event()

    async def endless() -> AsyncGenerator[bytes]:
        try:
            while True:
                yield b"a" * 1000
                await asyncio.sleep(0)
        finally:
            is_over.set()

    provider.refuse_at_once(PATH, Reply(401, b"no"))
    async with await transport.send(streamed(provider, endless)) as response:
        assert response.status == 401
    await asyncio.wait_for(is_over.wait(), 10)


async def test_fields_that_come_late_follow_the_audio() -> None:
    late: dict[str, str] = {}

    async def audio() -> AsyncGenerator[bytes]:
        yield b"RIFF"
        late.update(model="asked-for", language="de")

    file = AudioFile("a.wav", "audio/wav", StreamedBody(audio), lambda: late)
    content_type, body = multipart_encode({"model": "m"}, file)
    assert isinstance(body, StreamedBody)
    sent = b"".join([chunk async for chunk in body.chunks()])
    boundary = content_type.partition("boundary=")[2].encode()
    assert sent.index(b"RIFF") < sent.index(b'name="language"')
    assert b"asked-for" not in sent
    assert sent.endswith(b"--" + boundary + b"--\r\n")


async def test_a_known_length_is_the_true_one() -> None:
    file = AudioFile("a.wav", "audio/wav", StreamedBody(chunks, 200_000))
    _, body = multipart_encode({"model": "m", "temperature": 0}, file)
    assert isinstance(body, StreamedBody)
    assert body.length == len(b"".join([chunk async for chunk in body.chunks()]))
