"""Streams whose events have a type."""

import pytest

from providers.protocols.failures import ProviderError
from providers.protocols.openai.events import EventStreamReader
from providers.protocols.usage import Usage
from tests.provider_server import events, image_events, speech_events, transcript_events


def read(stream: bytes, size: int, known: Usage = Usage()) -> tuple[EventStreamReader, bytes]:  # noqa: B008
    reader = EventStreamReader(known)
    passed = b"".join(reader.feed(stream[i : i + size]) for i in range(0, len(stream), size))
    return reader, passed


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_events_pass_untouched_wherever_they_were_cut(size: int) -> None:
    for stream in map(b"".join, (transcript_events(), speech_events(), image_events())):
        reader, passed = read(stream, size)
        assert passed + reader.finish() == stream
        assert reader.is_done


def test_a_transcript_tells_its_text_and_tokens() -> None:
    reader, _ = read(b"".join(transcript_events()), 50)
    assert (reader.output_text, reader.usage) == ("hello", Usage(14, 2, input_audio_tokens=14))
    assert reader.has_end_marker


def test_what_is_known_of_speech_is_kept() -> None:
    reader, _ = read(b"".join(speech_events()), 50, Usage(characters=5))
    assert reader.usage == Usage(4, 20, characters=5)


def test_each_picture_counts() -> None:
    reader, _ = read(b"".join([*image_events(), *image_events()]), 50)
    assert reader.usage == Usage(20, 100, images=2)
    assert not reader.has_end_marker


@pytest.mark.parametrize("cut", range(1, len(b"".join(transcript_events())) - 2, 17))
def test_a_cut_stream_is_not_complete(cut: int) -> None:
    reader, _ = read(b"".join(transcript_events())[:cut], cut)
    with pytest.raises(ProviderError):
        reader.finish()
    assert not reader.is_done


@pytest.mark.parametrize(
    "event",
    [
        b'event: error\ndata: {"error": {"message": "no"}}\n\n',
        b'data: {"type": "error", "error": {"message": "no"}}\n\n',
        b"data: what\n\n",
        b"data: [1]\n\n",
    ],
)
def test_an_error_ends_the_stream(event: bytes) -> None:
    reader, passed = read(transcript_events()[0] + event + transcript_events()[1], 1000)
    assert passed == transcript_events()[0]
    assert reader.failure is not None


def test_impossible_usage_is_refused() -> None:
    usage = {"input_tokens": -1, "output_tokens": 2}
    reader, _ = read(b"".join(events({"type": "transcript.text.done", "usage": usage})), 1000)
    assert reader.usage is None
    assert reader.usage_report.is_impossible
