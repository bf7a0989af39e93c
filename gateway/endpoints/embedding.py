"""Vectors of texts: `/v1/embeddings`."""

import orjson

from gateway.endpoints.endpoint import Endpoint, ReplyFacts
from gateway.request_body import Payload
from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.wire import ProviderError, ProviderRequest, Target, WireProtocol


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


EMBEDDINGS = Endpoint(ModelType.EMBEDDING, "input", _embedding_request, _embedding_read)
