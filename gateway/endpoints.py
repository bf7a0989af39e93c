"""The calls that go to a provider: what each asks of a protocol, and what its reply tells."""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from gateway.errors import BadRequest
from gateway.request_body import Payload
from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.wire import (
    ProviderError,
    ProviderRequest,
    Target,
    Usage,
    WireProtocol,
)


@dataclass(frozen=True, slots=True)
class ReplyFacts:
    """What a whole reply says. `text` is what was generated, to count where `usage` is None."""

    usage: Usage | None
    text: str = ""


@dataclass(frozen=True)
class Endpoint:
    """`required` must be in the payload. `read` raises ProviderError for what is no reply."""

    model_type: ModelType
    required: str
    can_stream: bool
    request: Callable[[WireProtocol, Target, Payload, str], ProviderRequest]
    read: Callable[[WireProtocol, bytes], ReplyFacts]

    def check(self, payload: Payload) -> None:
        """Raises BadRequest for what no provider could make sense of."""
        if payload.get(self.required) in (None, "", []):
            message = f"Missing required parameter: {self.required}"
            raise BadRequest(message, code="missing_required_parameter", param=self.required)
        if self.can_stream and payload.get("stream") not in (None, True, False):
            raise BadRequest("stream is neither true nor false.", param="stream")


def _chat_request(
    protocol: WireProtocol, target: Target, payload: Payload, model: str
) -> ProviderRequest:
    return protocol.chat_request(target, payload, model=model)


def _chat_read(protocol: WireProtocol, body: bytes) -> ReplyFacts:
    reply = protocol.chat_reply(body)
    return ReplyFacts(reply.usage, reply.text)


def _embedding_request(
    protocol: WireProtocol, target: Target, payload: Payload, model: str
) -> ProviderRequest:
    return protocol.embedding_request(target, payload, model=model)


def _embedding_read(protocol: WireProtocol, body: bytes) -> ReplyFacts:
    """Vectors pass unread: they may be numbers or base64, and there are thousands of numbers."""
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad_reply("the reply is not JSON") from None
    if not isinstance(reply, dict) or reply.get("error"):
        raise ProviderError(protocol.failure_of(200, {}, body))
    if not isinstance(reply.get("data"), list) or not reply["data"]:
        raise bad_reply("the reply holds no embedding")
    return ReplyFacts(protocol.usage_report(reply).usage)


CHAT = Endpoint(ModelType.CHAT, "messages", True, _chat_request, _chat_read)
EMBEDDINGS = Endpoint(ModelType.EMBEDDING, "input", False, _embedding_request, _embedding_read)
