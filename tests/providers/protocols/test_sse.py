from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.sse import EventParser
from tests.properties import untimed

STREAM = (
    b"\xef\xbb\xbf: opened\n\n"
    b"data: one\n\n"
    b"event: note\r\ndata: two\r\ndata:three\r\n\r\n"
    b"data: caf\xc3\xa9\r\r"
    b"id: 7\n\n"
    b"\n"
    b"data\n\n"
    b'data: {"a": "\\n\\n"}\n\n'
)
EVENTS = [
    (None, b"message"),
    (b"one", b"message"),
    (b"two\nthree", b"note"),
    (b"caf\xc3\xa9", b"message"),
    (None, b"message"),
    (b"", b"message"),
    (b'{"a": "\\n\\n"}', b"message"),
]


def _parse(*chunks: bytes) -> tuple[list[tuple[bytes | None, bytes]], bytes]:
    parser = EventParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return [(e.data, e.name) for e in events], b"".join(e.raw for e in events) + parser.rest


def test_it_reads_every_end_of_line_comments_names_and_several_data_lines() -> None:
    assert _parse(STREAM) == (EVENTS, STREAM)


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_a_cut_at_any_byte_changes_nothing(cut: int) -> None:
    assert _parse(STREAM[:cut], STREAM[cut:]) == (EVENTS, STREAM)


def test_one_byte_at_a_time_changes_nothing() -> None:
    assert _parse(*(bytes([byte]) for byte in STREAM)) == (EVENTS, STREAM)


@untimed
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_any_bytes_in_any_pieces_come_out_as_they_went_in(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    whole, raw = _parse(stream)
    assert raw == stream
    assert b"".join(pieces) != stream or _parse(*pieces)[1] == stream
    assert len(whole) <= len(stream)


@untimed
@given(st.lists(st.sampled_from([b"data: x", b"\n", b"\r", b"\r\n", b":c", b"\n\n"]), max_size=12))
def test_events_do_not_depend_on_where_the_stream_was_cut(parts: list[bytes]) -> None:
    stream = b"".join(parts)
    at_once = [data for data, _ in _parse(stream)[0] if data is not None]
    by_byte = [data for data, _ in _parse(*(bytes([b]) for b in stream))[0] if data is not None]
    assert at_once == by_byte


def test_an_event_without_end_is_refused_before_it_fills_the_memory() -> None:
    parser = EventParser(max_event_bytes=1000)
    for _ in range(10):
        parser.feed(b"x" * 100)
    with pytest.raises(ProviderError) as caught:
        parser.feed(b"x")
    assert caught.value.failure.kind is FailureKind.BAD_REPLY


def test_events_of_any_number_are_no_event_without_end() -> None:
    parser = EventParser(max_event_bytes=1000)
    assert len(parser.feed(b"data: x\n\n" * 500)) == 500
