"""Anthropic's API as a WireProtocol: which request goes where, and who reads its reply."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.protocols.anthropic import replies
from providers.protocols.anthropic.errors import failure_classify
from providers.protocols.anthropic.listing import PAGE, models_parse
from providers.protocols.anthropic.request import messages_body
from providers.protocols.anthropic.stream import MessagesChunkReader, MessagesStreamReader
from providers.protocols.unserved import Unserved
from providers.protocols.usage import NOT_REPORTED, Usage, UsageReport
from providers.protocols.wire import (
    ChatReply,
    Dialect,
    Headers,
    ListedModel,
    Payload,
    ProviderFailure,
    ProviderRequest,
    Target,
)

VERSION = "2023-06-01"
"""Of the requests that we write ourselves. The version after it refuses `temperature` and its like
from every model: https://docs.claude.com/en/api/versioning"""
CALLERS_HEADERS = ("anthropic-version", "anthropic-beta")
"""What a caller of the dialect says beside the body, and what its body's meaning hangs on."""

_SPOKEN = frozenset({Dialect.MESSAGES})
_PLAIN = re.compile(r"[\w.,; -]{1,1000}", re.ASCII)


class Anthropic(Unserved):
    name = "anthropic"
    serves = frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT})
    passes: frozenset[ModelType] = frozenset()
    version_path = ""

    def speaks(self, target: Target) -> frozenset[Dialect]:
        return _SPOKEN

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        if dialect is Dialect.MESSAGES:
            return _post(target, "/messages", {**payload, "model": model}, target.headers)
        body, left_out = messages_body(payload, model=model, known=target.model)
        return _post(target, "/messages", body, {}, left_out)

    def models_request(self, target: Target) -> ProviderRequest:
        url = f"{_base(target)}/models?limit={PAGE}"
        return ProviderRequest("GET", url, _headers(target, {}))

    def count_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        body = {**payload, "model": model}
        return _post(target, "/messages/count_tokens", body, target.headers)

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        if dialect is Dialect.MESSAGES:
            return replies.untouched_reply(body)
        return replies.translated_reply(body)

    def models_reply(self, body: bytes) -> list[ListedModel]:
        return models_parse(body)

    def count_reply(self, body: bytes) -> int:
        return replies.count_parse(body)

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        if isinstance(reply, bytes):
            try:
                reply = orjson.loads(reply)
            except orjson.JSONDecodeError:
                return NOT_REPORTED
        return replies.message_usage(reply) if isinstance(reply, Mapping) else NOT_REPORTED

    def usage_of(self, reply: bytes | dict[str, Any]) -> Usage | None:
        return self.usage_report(reply).usage

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        return failure_classify(status, headers, body)

    def stream_reader(self, dialect: Dialect, *, hide_usage: bool) -> MessagesStreamReader:
        """The dialect has no chunk for usage alone: there is nothing to hide."""
        return MessagesStreamReader()

    def chunk_reader(self) -> MessagesChunkReader:
        return MessagesChunkReader()


def _base(target: Target) -> str:
    """Anthropic's own clients take an address without the version; people paste either."""
    return target.base_url.removesuffix("/v1") + "/v1"


def _post(
    target: Target,
    path: str,
    body: Payload,
    callers: Mapping[str, str],
    left_out: tuple[str, ...] = (),
) -> ProviderRequest:
    headers = {"content-type": "application/json", **_headers(target, callers)}
    return ProviderRequest("POST", _base(target) + path, headers, orjson.dumps(body), left_out)


def _headers(target: Target, callers: Mapping[str, str]) -> dict[str, str | Secret]:
    passed = {
        name: callers[name]
        for name in CALLERS_HEADERS
        if name in callers and _PLAIN.fullmatch(callers[name])
    }
    headers: dict[str, str | Secret] = {"anthropic-version": VERSION, **passed}
    key = target.credentials.get("api_key")
    if key:
        headers["x-api-key"] = key if isinstance(key, Secret) else Secret(key)
    return headers
