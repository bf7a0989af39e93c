"""How long is this audio? For the bill, where no provider says.

Exact for WAV and FLAC, whose heads tell. Of other kinds only the size is known.
"""

import re
import struct

GUESSED_BYTES_PER_S = 8_000
"""64 kbit/s: speech as MP3, AAC or Opus is kept at 24 to 128."""

_CUE_END = re.compile(r"--> *(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{3})")
_MAX_MS = 1_000_000_000


def audio_ms(head: bytes, size: int) -> int:
    """Milliseconds of the file that begins with `head` and has `size` bytes."""
    bytes_per_s = GUESSED_BYTES_PER_S
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        bytes_per_s = _wav_bytes_per_s(head) or bytes_per_s
    elif head[:4] == b"fLaC" and (length_ms := _flac_ms(head)):
        return length_ms
    return min(round(size * 1000 / bytes_per_s), _MAX_MS)


def subtitles_ms(text: str) -> int:
    """The end of the last subtitle, in SRT or WebVTT; 0 where there is none."""
    ends = [
        ((int(h or 0) * 60 + int(m)) * 60 + int(s)) * 1000 + int(ms)
        for h, m, s, ms in _CUE_END.findall(text)
    ]
    return min(max(ends, default=0), _MAX_MS)


def _wav_bytes_per_s(head: bytes) -> int:
    """From the chunk `fmt `. https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html"""
    at = head.find(b"fmt ", 12)
    if at < 0 or len(head) < at + 20:
        return 0
    return int(struct.unpack_from("<I", head, at + 16)[0])


def _flac_ms(head: bytes) -> int:
    """From STREAMINFO: 20 bits of rate, 8 of layout, 36 of samples. RFC 9639, section 8.2."""
    if len(head) < 26:
        return 0
    packed = int.from_bytes(head[18:26], "big")
    rate, samples = packed >> 44, packed & (1 << 36) - 1
    return min(samples * 1000 // rate, _MAX_MS) if rate else 0
