"""Pictures from words: `/v1/images/generations`, also streamed with partial pictures.

https://platform.openai.com/docs/api-reference/images/create
"""

import time
from typing import Any

import orjson

from gateway.endpoints.endpoint import Endpoint, ReplyFacts
from gateway.request_body import Payload
from llmhub.base.model_types import ModelType
from providers.protocols.wire import ProviderRequest, StreamReader, Target, Usage, WireProtocol

_MAX_IMAGES = 100


def _request(
    protocol: WireProtocol, target: Target, payload: Payload, model: str
) -> ProviderRequest:
    if ModelType.IMAGE not in protocol.passes:
        payload = {name: value for name, value in payload.items() if name != "stream"}
    return protocol.image_request(target, payload, model=model)


def _read(protocol: WireProtocol, target: Target, payload: Payload, body: bytes) -> ReplyFacts:
    reply = protocol.image_reply(body)
    if ModelType.IMAGE in protocol.passes:
        return ReplyFacts(body, reply.usage)
    answer: dict[str, Any] = {"created": int(time.time()), "data": list(reply.images)}
    return ReplyFacts(orjson.dumps(answer), reply.usage)


def _stream(protocol: WireProtocol, target: Target, payload: Payload) -> StreamReader:
    return protocol.event_reader(Usage())


def _estimate(payload: Payload, text: str) -> Usage:
    """Of pictures that never came, because the caller went away or the stream broke."""
    number = payload.get("n")
    if type(number) is not int or not 0 < number <= _MAX_IMAGES:
        return Usage(images=1)
    return Usage(images=number)


IMAGES = Endpoint(
    ModelType.IMAGE,
    "prompt",
    _request,
    _read,
    _stream,
    may_ignore_stream=True,
    estimate=_estimate,
)
