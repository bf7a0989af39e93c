"""Amazon's event streams: binary messages, each with its lengths, headers, payload and checksums.

https://smithy.io/2.0/aws/amazon-eventstream.html#amazon-event-stream-specification
"""

import struct
from typing import NamedTuple
from zlib import crc32

from providers.protocols.failures import bad_reply

MAX_MESSAGE_BYTES = 24 * 1024 * 1024
MAX_HEADERS_BYTES = 128 * 1024
"""The limits of the specification."""

_PRELUDE = struct.Struct(">III")
_CHECKSUM_BYTES = 4
_OVERHEAD = _PRELUDE.size + _CHECKSUM_BYTES
_STRINGS = {6: "byte array", 7: "string"}
# Sizes of the values that have one: booleans have none, then byte, short, integer, long.
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


class Message(NamedTuple):
    """One message. `headers` has those whose value is text."""

    headers: dict[str, str]
    payload: bytes


class EventStreamParser:
    """Cuts a stream of bytes into messages, wherever the chunks were cut.

    Raises ProviderError (bad_reply) for a wrong checksum, a wrong length or a malformed header.
    """

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()

    @property
    def has_rest(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._rest)

    def feed(self, chunk: bytes) -> list[Message]:
        self._rest += chunk
        messages, start = [], 0
        while (length := _length(self._rest, start)) and len(self._rest) - start >= length:
            messages.append(_message(bytes(self._rest[start : start + length])))
            start += length
        del self._rest[:start]
        return messages


def _length(data: bytearray, start: int) -> int:
    """Of the message that begins at `start`; 0 where its prelude has not arrived."""
    if len(data) - start < _PRELUDE.size:
        return 0
    total, headers, checksum = _PRELUDE.unpack_from(data, start)
    if crc32(data[start : start + 8]) != checksum:
        raise bad_reply("the checksum of a message's prelude is wrong")
    if total > MAX_MESSAGE_BYTES or headers > MAX_HEADERS_BYTES or headers + _OVERHEAD > total:
        raise bad_reply("the lengths of a message are not possible")
    return int(total)


def _message(data: bytes) -> Message:
    if crc32(data[:-_CHECKSUM_BYTES]) != int.from_bytes(data[-_CHECKSUM_BYTES:]):
        raise bad_reply("the checksum of a message is wrong")
    end = _PRELUDE.size + int.from_bytes(data[4:8])
    return Message(_headers(data[_PRELUDE.size : end]), data[end:-_CHECKSUM_BYTES])


def _headers(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    place = 0
    while place < len(data):
        name_end = place + 1 + data[place]
        name = _sliced(data, place + 1, name_end).decode("utf-8", "replace")
        kind = _sliced(data, name_end, name_end + 1)[0]
        place, value = _value(data, name_end + 1, kind)
        if kind == 7:
            found[name] = value.decode("utf-8", "replace")
    return found


def _value(data: bytes, place: int, kind: int) -> tuple[int, bytes]:
    """Where the value ends, and its bytes."""
    if kind in _STRINGS:
        size = int.from_bytes(_sliced(data, place, place + 2))
        place += 2
    elif kind in _FIXED:
        size = _FIXED[kind]
    else:
        raise bad_reply(f"a message has a header of the unknown type {kind}")
    return place + size, _sliced(data, place, place + size)


def _sliced(data: bytes, start: int, end: int) -> bytes:
    if end > len(data):
        raise bad_reply("a message's headers end too early")
    return data[start:end]
