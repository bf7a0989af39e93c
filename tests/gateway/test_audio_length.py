import io
import wave

import pytest

from gateway.audio_length import GUESSED_BYTES_PER_S, audio_ms, subtitles_ms


def test_a_wav_file_tells() -> None:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(bytes(4 * 22_050 * 3))
    whole = written.getvalue()
    assert audio_ms(whole[:64], len(whole)) == pytest.approx(3000, abs=1)


def test_a_flac_file_tells() -> None:
    packed = (44_100 << 44) | (1 << 41) | (15 << 36) | 88_200
    head = b"fLaC" + b"\x80\x00\x00\x22" + bytes(10) + packed.to_bytes(8, "big") + bytes(16)
    assert audio_ms(head, 1) == 2000


@pytest.mark.parametrize(
    "head",
    [b"", b"ID3", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt ", b"fLaC", b"fLaC" + bytes(40)],
)
def test_of_others_the_size_is_a_guess(head: bytes) -> None:
    assert audio_ms(head, GUESSED_BYTES_PER_S * 5) == 5000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1\n00:00:00,000 --> 00:00:04,250\nhello\n", 4250),
        ("WEBVTT\n\n00:01.000 --> 01:02.500\nx\n\n01:00:00.000 --> 01:00:01.000\ny", 3_601_000),
        ("hello --> there", 0),
        ("", 0),
    ],
)
def test_the_last_subtitle_tells(text: str, ms: int) -> None:
    assert subtitles_ms(text) == ms
