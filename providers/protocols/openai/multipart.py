"""An upload as multipart/form-data. https://www.rfc-editor.org/rfc/rfc7578"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from llmhub.base.errors import InvalidRequest
from providers.protocols.wire import AudioFile


def multipart_encode(fields: Mapping[str, Any], audio: AudioFile) -> tuple[str, bytes]:
    """Content type and body; the audio is the part named `file`.

    A list becomes one part for each item. Raises InvalidRequest for a name with a line break.
    """
    boundary = secrets.token_hex(16)
    parts = [_part(_disposition(name), _text(item)) for name, item in _items(fields)]
    head = f"{_disposition('file')}; filename={_quoted(audio.name)}"
    head += f"\r\nContent-Type: {_single_line(audio.content_type)}"
    parts.append(_part(head, audio.content))
    separator = f"--{boundary}\r\n".encode()
    body = separator + separator.join(parts) + f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


def _items(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if value is None:
            continue
        if isinstance(value, list | tuple):
            yield from ((name, item) for item in value)
        else:
            yield name, value


def _part(head: str, content: bytes) -> bytes:
    return f"Content-Disposition: {head}\r\n\r\n".encode() + content + b"\r\n"


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
