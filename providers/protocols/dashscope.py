"""Alibaba's Model Studio in its own terms: embeddings, reranking, and short speech both ways.

https://help.aliyun.com/zh/model-studio/api-reference. Chat goes over its OpenAI API.
"""

import base64
import binascii
import struct
from collections.abc import Mapping
from typing import Any

import orjson

from llmhub.base.errors import InvalidRequest, NotSupported
from llmhub.base.model_types import ModelType
from providers.protocols.audio_body import audio_in_json
from providers.protocols.failures import ProviderError, bad_reply
from providers.protocols.foreign import Foreign
from providers.protocols.inputs import (
    documents_of,
    embedding_fields,
    purpose_of,
    query_of,
    rerank_fields,
    texts_of,
)
from providers.protocols.json_calls import JSON, bearer, json_post
from providers.protocols.openai.errors import failure_in_stream
from providers.protocols.openai.replies import reply_json, rerank_parse
from providers.protocols.sse import EventParser
from providers.protocols.usage import NOT_REPORTED, UsageReport, duration_read, usage_read
from providers.protocols.vectors import reply_of_vectors
from providers.protocols.wire import (
    AudioFile,
    EmbeddingReply,
    Headers,
    Payload,
    ProviderRequest,
    RerankReply,
    Target,
)

_EMBED = "/services/embeddings/text-embedding/text-embedding"
_RERANK = "/services/rerank/text-rerank/text-rerank"
_GENERATE = "/services/aigc/multimodal-generation/generation"
_EMBEDDING_NAMES = {"dimensions": "dimension", "output_type": "output_type", "instruct": "instruct"}
_RERANK_NAMES = {"top_n": "top_n", "instruct": "instruct"}
_HEARING = frozenset({"model", "language", "prompt", "response_format", "enable_itn"})
_SPEAKING = frozenset({"model", "input", "voice", "response_format", "language_type"})
_AFTER_AUDIO = b'"}]}]}}'
"""What closes a request in which the audio stands last."""
_USUAL_VOICE = "Cherry"
_RATE_HZ = 24_000


class DashScope(Foreign):
    """Credentials: `api_key`. Models of speech that are reached over WebSocket alone, or by jobs,
    are refused: the hub makes one exchange over HTTP."""

    name = "dashscope"
    serves = frozenset(
        {ModelType.EMBEDDING, ModelType.RERANK, ModelType.SPEECH2TEXT, ModelType.TTS}
    )
    version_path = "/api/v1"

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        fields, left_out = embedding_fields(payload, _EMBEDDING_NAMES)
        purpose = purpose_of(payload, query="query", document="document")
        body = {
            "model": model,
            "input": {"texts": texts_of(payload)},
            "parameters": {"text_type": purpose, **fields},
        }
        return json_post(target, target.base_url + _EMBED, body, left_out)

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        fields, left_out = rerank_fields(payload, _RERANK_NAMES)
        body = {
            "model": model,
            "input": {"query": query_of(payload), "documents": documents_of(payload)},
            "parameters": {"return_documents": False, **fields},
        }
        return json_post(target, target.base_url + _RERANK, body, left_out)

    def transcription_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        """https://help.aliyun.com/zh/model-studio/qwen-asr-api-reference. The audio stands within
        the request, and what the caller said of it after it."""
        _require_http(model)
        user = {"role": "user", "content": [{"audio": f"data:{audio.content_type};base64,"}]}
        messages = [*_instructed(payload), user]
        written = orjson.dumps({"model": model, "input": {"messages": messages}})
        head = written.removesuffix(_AFTER_AUDIO)

        def tail(size: int) -> bytes:
            late = audio.late_fields()
            if "prompt" in late:
                message = "prompt follows the file: this provider wants to know it before."
                raise InvalidRequest(message, field="prompt")
            options = orjson.dumps(_asr({**late, **payload}))
            return _AFTER_AUDIO[:-1] + b',"parameters":' + options + b"}"

        left_out = tuple(name for name in payload if name not in _HEARING)
        headers = {"content-type": JSON, **bearer(target)}
        body = audio_in_json(head, audio, tail)
        return ProviderRequest("POST", target.base_url + _GENERATE, headers, body, left_out)

    def speech_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        """https://help.aliyun.com/zh/model-studio/qwen-tts-api. As a stream, for without one the
        reply holds an address instead of the audio."""
        _require_http(model)
        if payload.get("response_format") not in (None, "wav", "pcm"):
            message = "This provider speaks wav."
            raise InvalidRequest(message, field="response_format")
        voice = payload.get("voice")
        is_known = isinstance(voice, str) and voice[:1].isupper()
        asked = {"text": payload.get("input"), "voice": voice if is_known else _USUAL_VOICE}
        if payload.get("language_type") is not None:
            asked["language_type"] = payload["language_type"]
        left_out = [name for name in payload if name not in _SPEAKING]
        if voice is not None and not is_known:
            left_out.append("voice")
        headers = {**bearer(target), "x-dashscope-sse": "enable"}
        body = {"model": model, "input": asked}
        return json_post(target, target.base_url + _GENERATE, body, tuple(left_out), headers)

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        reply = _success(reply_json(body))
        found = _output(reply).get("embeddings")
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise bad_reply("the reply does not hold an embedding")
        ordered = sorted(found, key=lambda each: each.get("text_index") or 0)
        usage = self.usage_report(reply).usage
        return reply_of_vectors([each.get("embedding") for each in ordered], usage)

    def rerank_reply(self, body: bytes) -> RerankReply:
        reply = _success(reply_json(body))
        ranked = rerank_parse(orjson.dumps(_output(reply).get("results")))
        return RerankReply(ranked.scores, self.usage_report(reply).usage)

    def transcription_reply(self, body: bytes) -> str:
        choices = _output(_success(reply_json(body))).get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        message = first.get("message") if isinstance(first, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, list):
            raise bad_reply("the reply holds no text")
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))

    def speech_reply(self, headers: Headers, body: bytes) -> bytes:
        """The pieces of the stream, as one WAV file."""
        if body.lstrip()[:1] == b"{":
            _success(reply_json(body))
        pieces, is_ended = [], False
        for event in EventParser().feed(body + b"\n\n"):
            if event.data is None:
                continue
            output = _output(_success(reply_json(event.data)))
            is_ended = is_ended or output.get("finish_reason") == "stop"
            pieces.append(_audio(output))
        samples = b"".join(pieces)
        if not samples or not is_ended:
            raise bad_reply("the speech breaks off before its end")
        return _wav(samples)

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        """Tokens, or the seconds that were listened to. Never raises."""
        try:
            found = reply_json(reply) if isinstance(reply, bytes) else reply
        except ProviderError:
            return NOT_REPORTED
        told = found.get("usage") if isinstance(found, dict) else None
        if isinstance(told, dict) and told.get("seconds") is not None:
            return duration_read(told["seconds"])
        return usage_read(told)


def _require_http(model: str) -> None:
    if model.startswith(("cosyvoice", "sambert", "paraformer", "gummy")) or "realtime" in model:
        message = f"{model} is reached over WebSocket or by jobs, which the hub does not do."
        raise NotSupported(message)


def _instructed(asked: Payload) -> list[dict[str, Any]]:
    prompt = asked.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        return []
    return [{"role": "system", "content": [{"text": prompt}]}]


def _asr(asked: Payload) -> dict[str, Any]:
    names = ("language", "enable_itn")
    options = {name: asked[name] for name in names if asked.get(name) is not None}
    return {"asr_options": options} if options else {}


def _success(reply: Any) -> dict[str, Any]:
    if not isinstance(reply, dict):
        raise bad_reply("the reply is not an object")
    if reply.get("code"):
        raise ProviderError(failure_in_stream({"error": reply}))
    return reply


def _output(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    output = reply.get("output")
    if not isinstance(output, dict):
        raise bad_reply("the reply holds no output")
    return output


def _audio(output: Mapping[str, Any]) -> bytes:
    audio = output.get("audio")
    text = audio.get("data") if isinstance(audio, dict) else None
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except binascii.Error:
        raise bad_reply("the audio of the reply is not base64") from None


def _wav(samples: bytes) -> bytes:
    """16-bit samples of one channel. http://soundfile.sapp.org/doc/WaveFormat"""
    if samples[:4] == b"RIFF":
        return samples
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(samples),
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        _RATE_HZ,
        2 * _RATE_HZ,
        2,
        16,
        b"data",
        len(samples),
    )
    return head + samples
