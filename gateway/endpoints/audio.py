"""Speech written down: `/v1/audio/transcriptions`, and in English: `/v1/audio/translations`.

https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

import orjson

from gateway.audio_length import audio_ms, subtitles_ms
from gateway.endpoints.endpoint import JSON, Endpoint, ReplyFacts
from gateway.errors import BadRequest
from gateway.request_body import Payload
from gateway.uploads import Upload, upload_read
from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.wire import ProviderRequest, StreamReader, Target, Usage, WireProtocol

_TEXTS = ("text", "srt", "vtt")
_PLAIN = b"text/plain; charset=utf-8"


def _transcription(
    protocol: WireProtocol, target: Target, payload: Payload, model: str
) -> ProviderRequest:
    fields, upload = _fields(protocol, payload)
    return protocol.transcription_request(target, fields, upload.audio(), model=model)


def _translation(
    protocol: WireProtocol, target: Target, payload: Payload, model: str
) -> ProviderRequest:
    fields, upload = _fields(protocol, payload)
    return protocol.translation_request(target, fields, upload.audio(), model=model)


def _fields(protocol: WireProtocol, payload: Payload) -> tuple[Payload, Upload]:
    left_out = {"file"}
    if ModelType.SPEECH2TEXT not in protocol.passes:
        left_out |= {"stream"}
        _require_plain(payload.get("response_format"))
    fields = {name: value for name, value in payload.items() if name not in left_out}
    return fields, payload["file"]


def _require_plain(response_format: str | None) -> None:
    if response_format not in (None, "json", "text"):
        message = f"This model does not answer with the response_format {response_format}."
        raise BadRequest(message, param="response_format")


def _read(protocol: WireProtocol, target: Target, payload: Payload, body: bytes) -> ReplyFacts:
    if ModelType.SPEECH2TEXT not in protocol.passes:
        return _write(protocol, payload, body)
    if payload.get("response_format") in _TEXTS and not body.lstrip().startswith(b"{"):
        return ReplyFacts(body, None, _decoded(body), _PLAIN)
    text = protocol.transcription_reply(body)
    return ReplyFacts(body, protocol.usage_report(body).usage, text)


def _write(protocol: WireProtocol, payload: Payload, body: bytes) -> ReplyFacts:
    """From a provider that gives the text alone."""
    text, usage = protocol.transcription_reply(body), protocol.usage_report(body).usage
    if payload.get("response_format") == "text":
        return ReplyFacts(text.encode() + b"\n", usage, text, _PLAIN)
    return ReplyFacts(orjson.dumps({"text": text}), usage, text, JSON)


def _decoded(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise bad_reply("the transcript is no text") from None
    if text.lstrip()[:9].lower().startswith(("<html", "<!doctype")):
        raise bad_reply("the reply is a web page")
    return text


def _stream(protocol: WireProtocol, target: Target, payload: Payload) -> StreamReader:
    return protocol.event_reader(Usage())


def _estimate(payload: Payload, text: str) -> Usage:
    """By the last subtitle, or else by what the file says, or its size suggests."""
    upload: Upload = payload["file"]
    length_ms = subtitles_ms(text) if payload.get("response_format") in ("srt", "vtt") else 0
    return Usage(audio_ms=length_ms or audio_ms(upload.head, upload.size))


class _Transcript(Endpoint):
    def check(self, payload: Payload) -> None:
        if payload.get("file") is None:
            message = "Missing required parameter: file"
            raise BadRequest(message, code="missing_required_parameter", param="file")
        if payload.get("stream") not in (None, True, False):
            raise BadRequest("stream is neither true nor false.", param="stream")


TRANSCRIPTIONS = _Transcript(
    ModelType.SPEECH2TEXT,
    "file",
    _transcription,
    _read,
    _stream,
    may_ignore_stream=True,
    take=upload_read,
    estimate=_estimate,
)
TRANSLATIONS = _Transcript(
    ModelType.SPEECH2TEXT,
    "file",
    _translation,
    _read,
    take=upload_read,
    estimate=_estimate,
)
