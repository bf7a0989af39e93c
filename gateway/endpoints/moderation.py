"""Is this harmful? `/v1/moderations`.

https://platform.openai.com/docs/api-reference/moderations
"""

from typing import Any

import orjson

from gateway.endpoints.endpoint import Endpoint, ReplyFacts
from gateway.request_body import Payload
from llmhub.base.model_types import ModelType
from providers.protocols.wire import ProviderRequest, Target, WireProtocol


def _request(
    protocol: WireProtocol, target: Target, payload: Payload, model: str
) -> ProviderRequest:
    return protocol.moderation_request(target, payload, model=model)


def _read(protocol: WireProtocol, target: Target, payload: Payload, body: bytes) -> ReplyFacts:
    reply = protocol.moderation_reply(body)
    if ModelType.MODERATION in protocol.passes:
        return ReplyFacts(body, reply.usage)
    answer: dict[str, Any] = {"model": payload.get("model"), "results": list(reply.results)}
    return ReplyFacts(orjson.dumps(answer), reply.usage)


MODERATIONS = Endpoint(ModelType.MODERATION, "input", _request, _read)
