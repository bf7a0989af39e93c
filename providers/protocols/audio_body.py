"""Audio within a request of JSON, or as all of the body: sent as it comes."""

import base64
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing

from llmhub.base.errors import InvalidRequest
from providers.protocols.wire import AudioFile, StreamedBody


def audio_in_json(
    head: bytes, audio: AudioFile, tail: Callable[[int], bytes]
) -> bytes | StreamedBody:
    """`head`, the audio in base64, and `tail`, which is told the audio's size in bytes.

    Fields that follow the audio in the caller's form are known when `tail` is asked for.
    """
    content = audio.content
    if isinstance(content, bytes):
        return head + base64.b64encode(content) + tail(len(content))

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield head
        size, rest = 0, b""
        async with aclosing(content.chunks()) as pieces:
            async for chunk in pieces:
                size += len(chunk)
                whole = rest + chunk
                cut = len(whole) - len(whole) % 3
                rest = whole[cut:]
                yield base64.b64encode(whole[:cut])
        yield base64.b64encode(rest) + tail(size)

    return StreamedBody(chunks)


def audio_alone(audio: AudioFile, known: Iterable[str]) -> bytes | StreamedBody:
    """The audio as it is. What else the provider is to know was said before: a field that follows
    the audio, and is not among the `known`, comes too late and is refused."""
    content = audio.content
    if isinstance(content, bytes):
        return content
    names = frozenset(known)

    async def chunks() -> AsyncGenerator[bytes, None]:
        async with aclosing(content.chunks()) as pieces:
            async for chunk in pieces:
                yield chunk
        late = sorted(set(audio.late_fields()) - names)
        if late:
            message = f"{late[0]} follows the file: this provider wants to know it before."
            raise InvalidRequest(message, field=late[0])

    return StreamedBody(chunks, content.length)
