"""Tencent Cloud's recognition of short recordings. https://cloud.tencent.com/document/api/1093/35646

The signature is TC3-HMAC-SHA256: https://cloud.tencent.com/document/api/1093/35641.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from llmhub.base.errors import InvalidRequest
from llmhub.base.model_types import ModelType
from llmhub.base.redact import redact
from llmhub.base.secret import Secret
from providers.protocols.audio_body import audio_in_json
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure, bad_reply
from providers.protocols.foreign import Foreign
from providers.protocols.json_calls import JSON
from providers.protocols.openai.replies import reply_json
from providers.protocols.usage import IMPOSSIBLE, NOT_REPORTED, UsageReport, duration_read
from providers.protocols.wire import AudioFile, Headers, Payload, ProviderRequest, Target

_ACTION, _VERSION, _SERVICE = "SentenceRecognition", "2019-06-14", "asr"
_UNSIGNED = "UNSIGNED-PAYLOAD"
"""What is signed in place of a body that is not there as a whole when its head is sent."""
_FORMATS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/ogg": "ogg-opus",
    "audio/opus": "ogg-opus",
}
_KNOWN = frozenset({"model", "response_format"})
_OWN = {
    "hotword_id": "HotwordId",
    "filter_dirty": "FilterDirty",
    "filter_modal": "FilterModal",
    "filter_punc": "FilterPunc",
    "convert_num_mode": "ConvertNumMode",
    "word_info": "WordInfo",
}
_KINDS = (
    ("AuthFailure", FailureKind.INVALID_KEY),
    ("UnauthorizedOperation", FailureKind.INVALID_KEY),
    ("RequestLimitExceeded", FailureKind.RATE_LIMITED),
    ("LimitExceeded", FailureKind.RATE_LIMITED),
    ("FailedOperation.UserHasNoFreeAmount", FailureKind.OUT_OF_QUOTA),
    ("FailedOperation.UserHasNoAmount", FailureKind.OUT_OF_QUOTA),
    ("FailedOperation.ServiceIsolate", FailureKind.OUT_OF_QUOTA),
    ("FailedOperation.UserNotRegistered", FailureKind.INVALID_KEY),
    ("InternalError", FailureKind.OVERLOADED),
    ("FailedOperation", FailureKind.OVERLOADED),
    ("ResourceInsufficient", FailureKind.OVERLOADED),
)


class TencentSpeech(Foreign):
    """Credentials: `tencent_cloud_sid` and `tencent_cloud_sk`. The model is the engine, such as
    `16k_zh`; a recording has a minute at most."""

    name = "tencent-speech"
    serves = frozenset({ModelType.SPEECH2TEXT})

    def transcription_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        fields = {"EngSerViceType": model, "SourceType": 1, "VoiceFormat": _format(audio)}
        fields |= {tencents: payload[name] for name, tencents in _OWN.items() if name in payload}
        head = orjson.dumps(fields)[:-1] + b',"Data":"'
        body = audio_in_json(head, audio, lambda size: b'","DataLen":%d}' % size)
        digest = hashlib.sha256(body).hexdigest() if isinstance(body, bytes) else _UNSIGNED
        left_out = tuple(n for n in payload if n not in _KNOWN and n not in _OWN)
        headers = _signed(target, digest)
        return ProviderRequest("POST", target.base_url + "/", headers, body, left_out)

    def transcription_reply(self, body: bytes) -> str:
        response = _response(reply_json(body))
        failure = _failure(response, 200)
        if failure is not None:
            raise ProviderError(failure)
        if not isinstance(response.get("Result"), str):
            raise bad_reply("the reply holds no text")
        return str(response["Result"])

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        """Never raises: what does not parse reports none."""
        try:
            response = _response(reply_json(reply) if isinstance(reply, bytes) else reply)
        except ProviderError:
            return NOT_REPORTED
        length_ms = response.get("AudioDuration")
        if length_ms is None:
            return NOT_REPORTED
        return duration_read(length_ms / 1000) if type(length_ms) is int else IMPOSSIBLE

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        failure = super().failure_of(status, headers, body)
        try:
            return _failure(_response(reply_json(body)), status) or failure
        except ProviderError:
            return failure


def _format(audio: AudioFile) -> str:
    kind = audio.content_type.partition(";")[0].strip().lower()
    name = audio.name.rpartition(".")[2].lower()
    found = _FORMATS.get(kind) or (name if name in _FORMATS.values() else "")
    if not found:
        message = "This provider hears wav, mp3, m4a, aac, amr and ogg-opus."
        raise InvalidRequest(message, field="file")
    return found


@dataclass(frozen=True, slots=True)
class _Signing:
    access: str
    secret: str
    moment: datetime


def _signed(target: Target, digest: str, at: datetime | None = None) -> dict[str, str | Secret]:
    """Good for five minutes from `at`."""
    signing = _Signing(
        _revealed(target, "tencent_cloud_sid"),
        _revealed(target, "tencent_cloud_sk"),
        at or datetime.now(UTC),
    )
    host = urlsplit(target.base_url).netloc
    headers: dict[str, str | Secret] = {
        "content-type": JSON,
        "x-tc-action": _ACTION,
        "x-tc-version": _VERSION,
        "x-tc-timestamp": str(int(signing.moment.timestamp())),
        "authorization": Secret(_authorization(signing, host, digest)),
    }
    return headers | ({"x-tc-content-sha256": digest} if digest == _UNSIGNED else {})


def _authorization(signing: _Signing, host: str, digest: str) -> str:
    names = "content-type;host"
    request = f"POST\n/\n\ncontent-type:{JSON}\nhost:{host}\n\n{names}\n{digest}"
    date = signing.moment.strftime("%Y-%m-%d")
    scope = f"{date}/{_SERVICE}/tc3_request"
    stamp = int(signing.moment.timestamp())
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"
    key = f"TC3{signing.secret}".encode()
    for word in (date, _SERVICE, "tc3_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={signing.access}/{scope}"
    return f"TC3-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"


def _revealed(target: Target, name: str) -> str:
    value = target.credentials.get(name) or ""
    return value.reveal() if isinstance(value, Secret) else value


def _response(reply: Any) -> Mapping[str, Any]:
    response = reply.get("Response") if isinstance(reply, dict) else None
    if not isinstance(response, dict):
        raise bad_reply("the reply holds no response")
    return response


def _failure(response: Mapping[str, Any], status: int) -> ProviderFailure | None:
    """https://cloud.tencent.com/document/api/1093/35646#6; it comes with HTTP 200."""
    error = response.get("Error")
    if not isinstance(error, dict):
        return None
    code = str(error.get("Code") or "")
    words = f"{code}: {error.get('Message') or ''}"
    kinds = (kind for beginning, kind in _KINDS if code.startswith(beginning))
    kind = next(kinds, FailureKind.BAD_REQUEST)
    return ProviderFailure(kind, redact(words, ()), status, unmasked=words)
