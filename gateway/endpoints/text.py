"""Generated text, in each dialect that callers speak."""

from functools import partial

from gateway.endpoints.endpoint import Endpoint, ReplyFacts
from gateway.request_body import Payload
from llmhub.base.model_types import ModelType
from providers.protocols.anthropic.protocol import CALLERS_HEADERS
from providers.protocols.dialects.exchange import (
    exchange_reply,
    exchange_request,
    exchange_stream,
)
from providers.protocols.wire import Dialect, ProviderRequest, StreamReader, Target, WireProtocol


def _text_endpoint(
    dialect: Dialect, required: str, dialect_headers: tuple[str, ...] = ()
) -> Endpoint:
    return Endpoint(
        ModelType.CHAT,
        required,
        partial(_text_request, dialect),
        partial(_text_read, dialect),
        partial(_text_stream, dialect),
        dialect_headers,
    )


def _text_request(
    dialect: Dialect, protocol: WireProtocol, target: Target, payload: Payload, model: str
) -> ProviderRequest:
    return exchange_request(protocol, dialect, target, payload, model=model)


def _text_read(
    dialect: Dialect, protocol: WireProtocol, target: Target, payload: Payload, body: bytes
) -> ReplyFacts:
    reply, answer = exchange_reply(protocol, dialect, target, payload, body)
    return ReplyFacts(answer, reply.usage, reply.text)


def _text_stream(
    dialect: Dialect, protocol: WireProtocol, target: Target, payload: Payload
) -> StreamReader:
    return exchange_stream(protocol, dialect, target, payload)


CHAT = _text_endpoint(Dialect.CHAT, "messages")
COMPLETIONS = _text_endpoint(Dialect.COMPLETIONS, "prompt")
RESPONSES = _text_endpoint(Dialect.RESPONSES, "input")
MESSAGES = _text_endpoint(Dialect.MESSAGES, "messages", CALLERS_HEADERS)
