"""Fish Audio's speech. https://docs.fish.audio/api-reference/endpoint/openapi-v1/text-to-speech"""

import re

from llmhub.base.errors import InvalidRequest
from llmhub.base.model_types import ModelType
from providers.protocols.foreign import Foreign
from providers.protocols.json_calls import bearer, json_post
from providers.protocols.openai.replies import speech_parse
from providers.protocols.wire import Headers, Payload, ProviderRequest, Target

_FORMATS = frozenset({"mp3", "wav", "pcm", "opus"})
_VOICE = re.compile(r"[0-9a-f]{32}")
_OWN = ("temperature", "top_p", "chunk_length", "normalize", "latency", "mp3_bitrate", "references")
_READ = frozenset({"model", "input", "voice", "response_format", "speed", "stream_format", *_OWN})


class FishAudio(Foreign):
    """Credentials: `fish_audio_ak`, and `fish_audio_refid`, the voice where a call names none.

    The API takes MessagePack or JSON; the latter says all but reference audio.
    """

    name = "fish-audio"
    serves = frozenset({ModelType.TTS})
    passes = serves

    def speech_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        body = {"text": payload.get("input"), "format": _format(payload)}
        left_out = [name for name in payload if name not in _READ]
        voice = _voice(target, payload)
        if voice:
            body["reference_id"] = voice
        if payload.get("voice") not in (None, voice):
            left_out.append("voice")
        if payload.get("speed") is not None:
            body["prosody"] = {"speed": payload["speed"]}
        body |= {name: payload[name] for name in _OWN if payload.get(name) is not None}
        headers = {**bearer(target, "fish_audio_ak"), "model": model}
        url = f"{target.base_url.removesuffix('/v1')}/v1/tts"
        return json_post(target, url, body, tuple(left_out), headers)

    def speech_reply(self, headers: Headers, body: bytes) -> bytes:
        return speech_parse(headers, body)


def _format(payload: Payload) -> str:
    wanted = payload.get("response_format") or "mp3"
    if wanted not in _FORMATS:
        message = "This provider speaks mp3, wav, pcm or opus."
        raise InvalidRequest(message, field="response_format")
    return str(wanted)


def _voice(target: Target, payload: Payload) -> str:
    """Voices are known by their ids: another name, such as OpenAI's, means the usual one."""
    asked, usual = payload.get("voice"), target.credentials.get("fish_audio_refid")
    if isinstance(asked, str) and _VOICE.fullmatch(asked):
        return asked
    return usual if isinstance(usual, str) else ""
