"""Vectors of texts: `/v1/embeddings`.

https://platform.openai.com/docs/api-reference/embeddings
"""

import base64
import struct
from collections.abc import Sequence
from typing import Any

import orjson

from gateway.endpoints.endpoint import Endpoint, ReplyFacts
from gateway.request_body import Payload
from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.wire import (
    EmbeddingReply,
    ProviderError,
    ProviderRequest,
    Target,
    WireProtocol,
)


def _request(
    protocol: WireProtocol, target: Target, payload: Payload, model: str
) -> ProviderRequest:
    return protocol.embedding_request(target, payload, model=model)


def _read(protocol: WireProtocol, target: Target, payload: Payload, body: bytes) -> ReplyFacts:
    if ModelType.EMBEDDING in protocol.passes:
        return _pass(protocol, body)
    reply = protocol.embedding_reply(body)
    return ReplyFacts(orjson.dumps(_written(payload, reply)), reply.usage)


def _pass(protocol: WireProtocol, body: bytes) -> ReplyFacts:
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


def _written(payload: Payload, reply: EmbeddingReply) -> dict[str, Any]:
    """In OpenAI's shape; `usage` is left out where the provider reported none."""
    is_base64 = payload.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": i, "embedding": _base64(vector) if is_base64 else vector}
        for i, vector in enumerate(reply.vectors)
    ]
    answer: dict[str, Any] = {"object": "list", "model": payload.get("model"), "data": data}
    if reply.usage is not None:
        used = reply.usage.input_tokens
        answer["usage"] = {"prompt_tokens": used, "total_tokens": used}
    return answer


def _base64(vector: Sequence[float]) -> str:
    """32-bit floats, the lowest byte first, as OpenAI's clients unpack them."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


EMBEDDINGS = Endpoint(ModelType.EMBEDDING, "input", _request, _read)
