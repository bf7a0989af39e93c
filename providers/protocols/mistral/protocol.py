"""Mistral's API as a WireProtocol: which request goes where, and who reads its reply."""

import re
from dataclasses import replace
from typing import Any

from llmhub.base.errors import InvalidRequest, NotSupported
from llmhub.base.model_types import ModelType
from providers.protocols.chat.ocr import data_url, document_of, ocr_left_out
from providers.protocols.inputs import embedding_fields, texts_of
from providers.protocols.json_calls import json_post
from providers.protocols.mistral.replies import MistralChunkReader, chat_parse, usage_of
from providers.protocols.mistral.request import chat_body
from providers.protocols.openai.kin import OpenAIKin
from providers.protocols.openai.stream import OpenAIStreamReader
from providers.protocols.wire import (
    AudioFile,
    ChatReply,
    Dialect,
    Payload,
    ProviderRequest,
    Target,
    Usage,
    UsageReport,
)

_READS_DOCUMENTS = re.compile(r"-ocr\b|\bocr-", re.IGNORECASE)
_EMBEDDING_NAMES = {"dimensions": "output_dimension", "output_dtype": "output_dtype"}
_TRANSCRIPTION = frozenset(
    {"model", "language", "temperature", "timestamp_granularities", "diarize", "context_bias"}
)


class Mistral(OpenAIKin):
    """Credentials: `api_key`. Models for document reading are chatted with too: one image or file
    in, its text out."""

    name = "mistral"
    serves = frozenset(
        {
            ModelType.CHAT,
            ModelType.EMBEDDING,
            ModelType.IMAGE2TEXT,
            ModelType.SPEECH2TEXT,
        }
    )
    passes = frozenset({ModelType.EMBEDDING})

    def speaks(self, target: Target) -> frozenset[Dialect]:
        return frozenset()

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        if _READS_DOCUMENTS.search(model):
            return _ocr(target, payload, model)
        body, left_out = chat_body(payload, model)
        return json_post(target, f"{target.base_url}/chat/completions", body, left_out)

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        fields, left_out = embedding_fields(payload, _EMBEDDING_NAMES, has_purpose=False)
        body = {"model": model, "input": texts_of(payload), **fields}
        if payload.get("encoding_format") is not None:
            body["encoding_format"] = payload["encoding_format"]
        return json_post(target, f"{target.base_url}/embeddings", body, left_out)

    def transcription_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        fields = {name: value for name, value in payload.items() if name in _TRANSCRIPTION}
        request = super().transcription_request(target, fields, audio, model=model)
        left_out = [n for n in payload if n not in _TRANSCRIPTION and n != "response_format"]
        return replace(request, left_out=tuple(left_out))

    def translation_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        raise NotSupported("There is no translation over mistral.")

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        return chat_parse(body)

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        return usage_of(reply)

    def usage_of(self, reply: bytes | dict[str, Any]) -> Usage | None:
        return usage_of(reply).usage

    def stream_reader(self, dialect: Dialect, *, hide_usage: bool) -> OpenAIStreamReader:
        raise NotSupported("mistral speaks no dialect of a caller.")

    def chunk_reader(self) -> MistralChunkReader:
        return MistralChunkReader()


def _ocr(target: Target, payload: Payload, model: str) -> ProviderRequest:
    """https://docs.mistral.ai/api/endpoint/ocr"""
    if payload.get("stream"):
        message = f"{model} reads a document as a whole, and streams nothing."
        raise InvalidRequest(message, field="stream")
    media = document_of(payload, needs_data=False)
    kind = "image_url" if media.kind == "image" else "document_url"
    body = {"model": model, "document": {"type": kind, kind: data_url(media)}}
    return json_post(target, f"{target.base_url}/ocr", body, ocr_left_out(payload))
