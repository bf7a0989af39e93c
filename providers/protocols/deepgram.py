"""Deepgram's transcription of recordings, which others serve too.

https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from llmhub.base.model_types import ModelType
from providers.protocols.audio_body import audio_alone
from providers.protocols.failures import ProviderError, bad_reply
from providers.protocols.foreign import Foreign
from providers.protocols.json_calls import bearer
from providers.protocols.openai.replies import reply_json, reply_object
from providers.protocols.usage import NOT_REPORTED, UsageReport, duration_read
from providers.protocols.wire import AudioFile, Payload, ProviderRequest, Target

_OWN = (
    "language",
    "smart_format",
    "punctuate",
    "diarize",
    "detect_language",
    "keyterm",
    "numerals",
)
_KNOWN = frozenset({"model", "response_format", *_OWN})


class Deepgram(Foreign):
    """Credentials: `api_key`."""

    name = "deepgram"
    serves = frozenset({ModelType.SPEECH2TEXT})
    version_path = "/v1"

    def transcription_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        """All but the audio stands in the address. Punctuation is asked for unless refused."""
        asked = {"model": model, "smart_format": True}
        asked |= {name: payload[name] for name in _OWN if payload.get(name) is not None}
        query = urlencode({name: _word(value) for name, value in asked.items()})
        left_out = tuple(name for name in payload if name not in _KNOWN)
        headers = {"content-type": audio.content_type, **bearer(target, scheme="Token")}
        url = f"{target.base_url}/listen?{query}"
        body = audio_alone(audio, {"model", "response_format", *payload})
        return ProviderRequest("POST", url, headers, body, left_out)

    def transcription_reply(self, body: bytes) -> str:
        """One channel after the other; silence gives no text."""
        results = reply_object(body).get("results")
        channels = results.get("channels") if isinstance(results, dict) else None
        if not isinstance(channels, list) or not channels:
            raise bad_reply("the reply holds no channel")
        return "\n".join(filter(None, map(_transcript, channels)))

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        """Never raises: what does not parse reports none."""
        try:
            found = reply_json(reply) if isinstance(reply, bytes) else reply
        except ProviderError:
            return NOT_REPORTED
        metadata = found.get("metadata") if isinstance(found, Mapping) else None
        duration = metadata.get("duration") if isinstance(metadata, Mapping) else None
        return NOT_REPORTED if duration is None else duration_read(duration)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _transcript(channel: Any) -> str:
    alternatives = channel.get("alternatives") if isinstance(channel, dict) else None
    first = alternatives[0] if isinstance(alternatives, list) and alternatives else None
    text = first.get("transcript") if isinstance(first, dict) else None
    if not isinstance(text, str):
        raise bad_reply("a channel of the reply holds no transcript")
    return text
