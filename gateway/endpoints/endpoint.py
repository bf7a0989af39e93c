"""What the gateway knows of a call: what it asks of a protocol, and what its reply tells."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import BadRequest
from gateway.request_body import Payload
from llmhub.base.model_types import ModelType
from providers.protocols.wire import ProviderRequest, StreamReader, Target, Usage, WireProtocol


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
