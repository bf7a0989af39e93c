"""The smallest inputs that show whether a model of a type works, in OpenAI's dialect."""

import base64
import struct
import wave
import zlib
from io import BytesIO
from typing import Any

from llmhub.base.model_types import ModelType
from providers.protocols.wire import AudioFile

DEFAULT_VOICE = "alloy"
MAX_TOKENS = 16
"""Some APIs refuse fewer; a model that reasons may spend them all, which is an answer too."""

RERANK_DOCUMENTS = ("Paris is the capital of France.", "Bread is made of flour and water.")
FITTING_DOCUMENT = 0

_IMAGE_SIDE = 32
"""In pixels; some vision models refuse an image with a side below 28."""
_AUDIO_RATE_HZ = 16_000
_AUDIO_S = 0.5


def sample_payload(model_type: ModelType) -> dict[str, Any]:
    """What to send besides the model; a transcription gets `sample_audio` too."""
    return dict(_PAYLOADS[model_type])


def sample_audio() -> AudioFile:
    """Half a second of silence, as a WAV file; the shortest that OpenAI takes is 0.1 s."""
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_AUDIO_RATE_HZ)
        file.writeframes(bytes(2 * int(_AUDIO_RATE_HZ * _AUDIO_S)))
    return AudioFile("probe.wav", "audio/wav", buffer.getvalue())


def _image_url() -> str:
    """A small red square as a PNG. https://www.w3.org/TR/png/#5DataRep"""
    rows = (b"\0" + b"\xff\0\0" * _IMAGE_SIDE) * _IMAGE_SIDE
    header = struct.pack(">IIBBBBB", _IMAGE_SIDE, _IMAGE_SIDE, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    png = b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(name, data) for name, data in chunks)
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _chat(content: str | list[dict[str, Any]]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], "max_tokens": MAX_TOKENS}


_PAYLOADS: dict[ModelType, dict[str, Any]] = {
    ModelType.CHAT: _chat("Hi"),
    ModelType.IMAGE2TEXT: _chat(
        [
            {"type": "text", "text": "Which colour?"},
            {"type": "image_url", "image_url": {"url": _image_url()}},
        ]
    ),
    ModelType.EMBEDDING: {"input": ["hello"]},
    ModelType.RERANK: {
        "query": "What is the capital of France?",
        "documents": list(RERANK_DOCUMENTS),
        "top_n": len(RERANK_DOCUMENTS),
    },
    ModelType.SPEECH2TEXT: {"response_format": "json"},
    ModelType.TTS: {"input": "Hi", "voice": DEFAULT_VOICE},
    ModelType.IMAGE: {},
    ModelType.MODERATION: {"input": "Hi"},
}
