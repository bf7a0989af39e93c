import struct
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.protocols.bedrock.event_stream import EventStreamParser, Message
from providers.protocols.failures import ProviderError
from tests.providers.protocols.bedrock.frames import event, exception, message

NAMES = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=40)
HEADERS = st.dictionaries(NAMES, st.text(max_size=60), max_size=6)
MESSAGES = st.lists(st.tuples(HEADERS, st.binary(max_size=300)), min_size=1, max_size=5)


@given(MESSAGES, st.data())
def test_messages_come_out_as_they_went_in_however_the_bytes_were_cut(
    messages: list[tuple[dict[str, str], bytes]], data: Any
) -> None:
    whole = b"".join(message(headers, payload) for headers, payload in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    parser = EventStreamParser()
    found = [each for piece in pieces for each in parser.feed(piece)]
    assert found == [Message(headers, payload) for headers, payload in messages]
    assert not parser.has_rest


@given(st.data())
def test_a_byte_that_changed_on_the_way_is_noticed(data: Any) -> None:
    whole = bytearray(event("contentBlockDelta", {"delta": {"text": "Hello"}}))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProviderError):
        EventStreamParser().feed(bytes(whole))


@given(st.binary(max_size=400))
def test_any_bytes_are_messages_or_an_error_or_not_yet_whole(noise: bytes) -> None:
    parser = EventStreamParser()
    try:
        found = parser.feed(noise)
    except ProviderError:
        return
    assert found or parser.has_rest or not noise


def _framed(headers: bytes, payload: bytes = b"{}") -> bytes:
    """A message with right checksums, whatever its headers hold."""
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    data = lengths + struct.pack(">I", crc32(lengths)) + headers + payload
    return data + struct.pack(">I", crc32(data))


@pytest.mark.parametrize(
    "headers",
    [
        b"\x05:na",
        b"\x01a",
        b"\x01a\x07\x00",
        b"\x01a\x07\x00\x05ab",
        b"\x01a\x63",
        b"\x01a\x05\x00\x00",
    ],
)
def test_headers_that_end_too_early_or_have_no_known_type_are_refused(headers: bytes) -> None:
    with pytest.raises(ProviderError):
        EventStreamParser().feed(_framed(headers))


def test_headers_of_every_type_are_stepped_over() -> None:
    headers = [
        b"\x01a\x00",
        b"\x01b\x01",
        b"\x01c\x02\x7f",
        b"\x01d\x03\x00\x01",
        b"\x01e\x04\x00\x00\x00\x01",
        b"\x01f\x05" + bytes(8),
        b"\x01g\x06\x00\x02ab",
        b"\x01h\x08" + bytes(8),
        b"\x01i\x09" + bytes(16),
        b"\x01j\x07\x00\x02ok",
    ]
    assert EventStreamParser().feed(_framed(b"".join(headers))) == [Message({"j": "ok"}, b"{}")]


@pytest.mark.parametrize("lengths", [(15, 0), (40, 30), (2**31, 0), (2**20, 2**18)])
def test_impossible_lengths_are_refused_at_once(lengths: tuple[int, int]) -> None:
    prelude = struct.pack(">II", *lengths)
    with pytest.raises(ProviderError, match="lengths"):
        EventStreamParser().feed(prelude + struct.pack(">I", crc32(prelude)))


def test_an_exception_is_a_message_too() -> None:
    (found,) = EventStreamParser().feed(exception("throttlingException", "Slow down."))
    assert found.headers[":exception-type"] == "throttlingException"
