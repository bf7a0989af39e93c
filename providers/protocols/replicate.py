"""Replicate's predictions, of which the hub waits for one. https://replicate.com/docs/reference/http

A prediction that takes longer than the API waits goes on as a job, which the hub does not follow:
it counts as a timeout.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from llmhub.base.errors import InvalidRequest
from llmhub.base.model_types import ModelType
from llmhub.base.redact import redact
from providers.protocols.chat.answer import (
    FINISH_STOP,
    choice_make,
    completion_make,
    message_make,
)
from providers.protocols.chat.asked import (
    fields_left_out,
    max_tokens_of,
    messages_of,
    stops_of,
)
from providers.protocols.chat.content import Media, MediaKind, content_of
from providers.protocols.chat.ocr import data_url
from providers.protocols.chat.whole_reply import WholeReplyReader
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure, bad_reply
from providers.protocols.foreign import Foreign
from providers.protocols.inputs import embedding_fields, texts_of
from providers.protocols.json_calls import bearer, json_post
from providers.protocols.openai.listing import MAX_MODELS, model_types_of
from providers.protocols.openai.replies import reply_json, reply_object
from providers.protocols.usage import NOT_REPORTED, UsageReport, usage_make
from providers.protocols.vectors import reply_of_vectors
from providers.protocols.wire import (
    ChatReply,
    Dialect,
    EmbeddingReply,
    ListedModel,
    Payload,
    ProviderRequest,
    Target,
)

_OPTIONS = ("temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "seed")
_READ = frozenset({"max_tokens", "max_completion_tokens", "stop", "reasoning_effort", *_OPTIONS})
_WAITING = frozenset({"starting", "processing"})
_SPEAKERS = {"user": "User", "assistant": "Assistant"}
# What a model calls the texts to embed; `texts` unless it is here.
_TEXTS = {"replicate/all-mpnet-base-v2": "text_batch"}


class Replicate(Foreign):
    """Credentials: `api_key`. A model is `OWNER/NAME`, or `OWNER/NAME:VERSION`.

    Its models take words and give words: tools are refused, and a conversation is written out.
    """

    name = "replicate"
    serves = frozenset({ModelType.CHAT, ModelType.EMBEDDING, ModelType.IMAGE2TEXT})
    version_path = "/v1"

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        given, left_out = _input(payload)
        return _prediction(target, model, given, left_out)

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        """The texts go as JSON within a text, which is how these models take a list."""
        left_out = embedding_fields(payload, {}, has_purpose=False).left_out
        name = _TEXTS.get(model.partition(":")[0], "texts")
        given = {name: orjson.dumps(texts_of(payload)).decode()}
        return _prediction(target, model, given, left_out)

    def models_request(self, target: Target) -> ProviderRequest:
        url = f"{target.base_url}/collections/language-models"
        return ProviderRequest("GET", url, bearer(target))

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        reply = _succeeded(_object_of(body))
        output = reply.get("output")
        pieces = [output] if isinstance(output, str) else output
        if not isinstance(pieces, list) or not all(isinstance(each, str) for each in pieces):
            raise bad_reply("the prediction's output is no text")
        text, usage = "".join(pieces), _usage(reply).usage
        choice = choice_make(message_make(text), FINISH_STOP)
        name = str(reply.get("model") or "")
        completion = completion_make([choice], usage, reply_id=str(reply.get("id")), model=name)
        return ChatReply(text, FINISH_STOP, usage, completion)

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        reply = _succeeded(_object_of(body))
        output = reply.get("output")
        if not isinstance(output, list):
            raise bad_reply("the prediction's output is no list of vectors")
        found = [each.get("embedding") if isinstance(each, dict) else each for each in output]
        return reply_of_vectors(found, _usage(reply).usage)

    def models_reply(self, body: bytes) -> list[ListedModel]:
        items = reply_object(body).get("models")
        if not isinstance(items, list):
            raise bad_reply("the reply does not list models")
        names = [_name(item) for item in items[:MAX_MODELS]]
        return [ListedModel(name, model_types_of(name)) for name in names if name]

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        """Never raises: what does not parse reports none."""
        try:
            found = reply_json(reply) if isinstance(reply, bytes) else reply
        except ProviderError:
            return NOT_REPORTED
        return _usage(found) if isinstance(found, Mapping) else NOT_REPORTED

    def chunk_reader(self) -> WholeReplyReader:
        return WholeReplyReader(self.chat_reply)


class _Turn(NamedTuple):
    role: str
    text: str


def _input(payload: Payload) -> tuple[dict[str, Any], tuple[str, ...]]:
    """https://replicate.com/docs/guides/language-models: `prompt`, `system_prompt`, `image`."""
    if payload.get("tools"):
        message = "Models on Replicate call no tools: leave tools out."
        raise InvalidRequest(message, field="tools")
    turns, images = _read(payload)
    system = "\n".join(turn.text for turn in turns if turn.role == "system")
    given: dict[str, Any] = {"prompt": _written([t for t in turns if t.role != "system"])}
    if system:
        given["system_prompt"] = system
    if images:
        given["image"] = data_url(images[0])
    given |= {name: payload[name] for name in _OPTIONS if payload.get(name) is not None}
    if max_tokens_of(payload) is not None:
        given["max_tokens"] = max_tokens_of(payload)
    if stops_of(payload):
        given["stop_sequences"] = ",".join(map(str, stops_of(payload)))
    if payload.get("reasoning_effort") is not None:
        given["reasoning_effort"] = payload["reasoning_effort"]
    return given, fields_left_out(payload, _READ)


def _read(payload: Payload) -> tuple[list[_Turn], list[Media]]:
    turns, images = [], []
    for number, message in enumerate(messages_of(payload)):
        where = f"messages[{number}]"
        role = message.get("role")
        if role not in ("system", "developer", "user", "assistant"):
            words = f"{where}.role is {role!r}, which is not supported."
            raise InvalidRequest(words, field=f"{where}.role")
        parts = content_of(message, where)
        images += [part for part in parts if isinstance(part, Media)]
        text = "".join(part.text for part in parts if not isinstance(part, Media))
        turns.append(_Turn("system" if role == "developer" else str(role), text))
    if len(images) > 1 or any(image.kind is not MediaKind.IMAGE for image in images):
        words = "Models on Replicate take one image, and no other files."
        raise InvalidRequest(words, field="messages")
    return turns, images


def _written(turns: list[_Turn]) -> str:
    """One question as it is, a conversation with who said what."""
    if len(turns) == 1:
        return turns[0].text
    said = [f"{_SPEAKERS[turn.role]}: {turn.text}" for turn in turns]
    return "\n".join([*said, "Assistant:"])


def _prediction(
    target: Target, model: str, given: Mapping[str, Any], left_out: tuple[str, ...]
) -> ProviderRequest:
    """https://replicate.com/docs/topics/predictions/create-a-prediction#sync-mode"""
    name, _, version = model.partition(":")
    headers = {**bearer(target), "prefer": "wait"}
    if version:
        body = {"version": version, "input": given}
        return json_post(target, f"{target.base_url}/predictions", body, left_out, headers)
    url = f"{target.base_url}/models/{quote(name, safe='/')}/predictions"
    return json_post(target, url, {"input": given}, left_out, headers)


def _object_of(body: bytes) -> dict[str, Any]:
    """A prediction has an `error` too, which is null, or says why it failed."""
    reply = reply_json(body)
    if not isinstance(reply, dict):
        raise bad_reply("the reply is not an object")
    return reply


def _succeeded(reply: dict[str, Any]) -> dict[str, Any]:
    status = reply.get("status")
    if status == "succeeded":
        return reply
    if status in _WAITING:
        words = "The prediction takes longer than Replicate waits; the hub follows no jobs."
        raise ProviderError(ProviderFailure(FailureKind.TIMEOUT, words, 200))
    if status in ("failed", "canceled", "aborted"):
        words = str(reply.get("error") or f"the prediction is {status}")
        failure = ProviderFailure(FailureKind.OVERLOADED, redact(words, ()), 200, unmasked=words)
        raise ProviderError(failure)
    raise bad_reply("the reply is no prediction")


def _usage(reply: Mapping[str, Any]) -> UsageReport:
    metrics = reply.get("metrics")
    told = metrics if isinstance(metrics, Mapping) else {}
    read = told.get("input_token_count", told.get("token_input_count"))
    said = told.get("output_token_count", told.get("token_output_count"))
    if read is None and said is None:
        return NOT_REPORTED
    return usage_make(read or 0, said or 0)


def _name(item: Any) -> str:
    owner = item.get("owner") if isinstance(item, dict) else None
    name = item.get("name") if isinstance(item, dict) else None
    if not isinstance(owner, str) or not isinstance(name, str):
        return ""
    return f"{owner}/{name}"
