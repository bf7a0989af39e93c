"""Words spoken: `/v1/audio/speech`.

https://platform.openai.com/docs/api-reference/audio/createSpeech
"""

from gateway.endpoints.endpoint import Endpoint, ReplyFacts
from gateway.errors import BadRequest
from gateway.request_body import Payload
from llmhub.base.model_types import ModelType
from providers.protocols.wire import ProviderRequest, StreamReader, Target, Usage, WireProtocol

_KINDS = (
    (b"RIFF", b"audio/wav"),
    (b"fLaC", b"audio/flac"),
    (b"OggS", b"audio/ogg"),
    (b"ID3", b"audio/mpeg"),
    (b"\xff", b"audio/mpeg"),
)


def _request(
    protocol: WireProtocol, target: Target, payload: Payload, model: str
) -> ProviderRequest:
    if ModelType.TTS not in protocol.passes:
        payload = {name: value for name, value in payload.items() if name != "stream_format"}
    return protocol.speech_request(target, payload, model=model)


def _read(protocol: WireProtocol, target: Target, payload: Payload, body: bytes) -> ReplyFacts:
    """From a provider whose audio has to be unpacked."""
    audio = protocol.speech_reply({}, body)
    return ReplyFacts(audio, _spoken(payload), content_type=_kind(audio))


def _kind(audio: bytes) -> bytes:
    kinds = (kind for beginning, kind in _KINDS if audio.startswith(beginning))
    return next(kinds, b"application/octet-stream")


def _stream(protocol: WireProtocol, target: Target, payload: Payload) -> StreamReader:
    return protocol.event_reader(_spoken(payload))


def _spoken(payload: Payload, text: str = "") -> Usage:
    """Speech is priced by the characters of its text, and they are known."""
    return Usage(characters=len(payload["input"]))


class _Speech(Endpoint):
    def check(self, payload: Payload) -> None:
        super().check(payload)
        if not isinstance(payload["input"], str):
            raise BadRequest("input is not a text.", param="input")


SPEECH = _Speech(ModelType.TTS, "input", _request, _read, _stream, is_audio=True, estimate=_spoken)
