"""The calls that go to a provider: what each asks of a protocol, and what its reply tells."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import orjson

from gateway.errors import BadRequest
from gateway.request_body import Payload
from llmhub.base.model_types import ModelType
from providers.protocols.dialects.exchange import (
    exchange_reply,
    exchange_request,
    exchange_stream,
)
from providers.protocols.failures import bad_reply
from providers.protocols.wire import (
    Dialect,
    ProviderError,
    ProviderRequest,
    StreamReader,
    Target,
    Usage,
    WireProtocol,
)


@dataclass(frozen=True, slots=True)
class ReplyFacts:
    """What a whole reply says, and the `body` for the caller. `text` is what was generated, to
    count where `usage` is None."""

    body: bytes
    usage: Usage | None
    text: str = ""


Ask = Callable[[WireProtocol, Target, Payload, str], ProviderRequest]
Read = Callable[[WireProtocol, Target, Payload, bytes], ReplyFacts]
Stream = Callable[[WireProtocol, Target, Payload], StreamReader]


@dataclass(frozen=True)
class Endpoint:
    """`required` must be in the payload. `read` raises ProviderError for what is no reply.

    `stream` gives the reader of a stream; None where the endpoint never streams.
    """

    model_type: ModelType
    required: str
    request: Ask
    read: Read
    stream_of: Stream | None = None

    @property
    def can_stream(self) -> bool:
        return self.stream_of is not None

    def stream(self, protocol: WireProtocol, target: Target, payload: Payload) -> StreamReader:
        assert self.stream_of is not None
        return self.stream_of(protocol, target, payload)

    def check(self, payload: Payload) -> None:
        """Raises BadRequest for what no provider could make sense of."""
        if payload.get(self.required) in (None, "", []):
            message = f"Missing required parameter: {self.required}"
            raise BadRequest(message, code="missing_required_parameter", param=self.required)
        if self.can_stream and payload.get("stream") not in (None, True, False):
            raise BadRequest("stream is neither true nor false.", param="stream")


def _text_endpoint(dialect: Dialect, required: str) -> Endpoint:
    return Endpoint(
        ModelType.CHAT,
        required,
        partial(_text_request, dialect),
        partial(_text_read, dialect),
        partial(_text_stream, dialect),
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


def _embedding_request(
    protocol: WireProtocol, target: Target, payload: Payload, model: str
) -> ProviderRequest:
    return protocol.embedding_request(target, payload, model=model)


def _embedding_read(
    protocol: WireProtocol, target: Target, payload: Payload, body: bytes
) -> ReplyFacts:
    """Vectors pass unread: they may be numbers or base64, and there are thousands of numbers."""
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad_reply("the reply is not JSON") from None
    if not isinstance(reply, dict) or reply.get("error"):
        raise ProviderError(protocol.failure_of(200, {}, body))
    if not isinstance(reply.get("data"), list) or not reply["data"]:
        raise bad_reply("the reply holds no embedding")
    return ReplyFacts(body, protocol.usage_report(reply).usage)


CHAT = _text_endpoint(Dialect.CHAT, "messages")
EMBEDDINGS = Endpoint(ModelType.EMBEDDING, "input", _embedding_request, _embedding_read)
