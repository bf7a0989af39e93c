"""An upload as multipart/form-data. https://www.rfc-editor.org/rfc/rfc7578"""

import secrets
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from llmhub.base.errors import InvalidRequest
from providers.protocols.wire import AudioFile, StreamedBody


def multipart_encode(
    fields: Mapping[str, Any], audio: AudioFile, *, part: str = "file"
) -> tuple[str, bytes | StreamedBody]:
    """Content type and body; the audio is the part named `part`, and streamed where it is.

    A list becomes one part for each item. Raises InvalidRequest for a name with a line break.
    """
    boundary = secrets.token_hex(16)
    frame = _Frame(boundary, fields, audio, part)
    if isinstance(audio.content, bytes):
        body: bytes | StreamedBody = frame.head() + audio.content + frame.tail()
    else:
        body = frame.around(audio.content)
    return f"multipart/form-data; boundary={boundary}", body


@dataclass(frozen=True)
class _Frame:
    """What stands around the audio: the fields before it, and those that came late after it."""

    boundary: str
    fields: Mapping[str, Any]
    audio: AudioFile
    part: str

    def head(self) -> bytes:
        head = f"{_disposition(self.part)}; filename={_quoted(self.audio.name)}"
        head += f"\r\nContent-Type: {_single_line(self.audio.content_type)}"
        return self._parts(self.fields) + self._separator + _part_head(head)

    def tail(self) -> bytes:
        late = {n: v for n, v in self.audio.late_fields().items() if n not in self.fields}
        return b"\r\n" + self._parts(late) + f"--{self.boundary}--\r\n".encode()

    def around(self, content: StreamedBody) -> StreamedBody:
        head = self.head()

        async def chunks() -> AsyncGenerator[bytes]:
            yield head
            async for chunk in content.chunks():
                yield chunk
            yield self.tail()

        if content.length is None:
            return StreamedBody(chunks)
        return StreamedBody(chunks, len(head) + content.length + len(self.tail()))

    @property
    def _separator(self) -> bytes:
        return f"--{self.boundary}\r\n".encode()

    def _parts(self, fields: Mapping[str, Any]) -> bytes:
        return b"".join(
            self._separator + _part_head(_disposition(name)) + _text(item) + b"\r\n"
            for name, item in _items(fields)
        )


def _items(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if value is None:
            continue
        if isinstance(value, list | tuple):
            yield from ((name, item) for item in value)
        else:
            yield name, value


def _part_head(head: str) -> bytes:
    return f"Content-Disposition: {head}\r\n\r\n".encode()


def _disposition(name: str) -> str:
    return f"form-data; name={_quoted(name)}"


def _quoted(name: str) -> str:
    return '"' + _single_line(name).replace('"', "%22") + '"'


def _single_line(text: str) -> str:
    if any(character in text for character in "\r\n\0"):
        raise InvalidRequest("A name in the upload holds a line break or a zero byte.")
    return text


def _text(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else orjson.dumps(value)
