"""What the gateway knows of a call: what it asks of a protocol, and what its reply tells."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.caller import Caller
from gateway.errors import BadRequest
from gateway.request_body import Payload, payload_read
from llmhub.base.model_types import ModelType
from providers.protocols.wire import ProviderRequest, StreamReader, Target, Usage, WireProtocol
from providers.token_counts import count_prompt, count_tokens

JSON = b"application/json"


@dataclass(frozen=True, slots=True)
class ReplyFacts:
    """What a whole reply says, and the `body` for the caller. `text` is what was generated, to
    count where `usage` is None."""

    body: bytes
    usage: Usage | None
    text: str = ""
    content_type: bytes = JSON


def text_estimate(payload: Payload, text: str) -> Usage:
    """Tokens of prompt and answer. It computes: call it in a thread."""
    return Usage(count_prompt(payload), count_tokens(text))


Take = Callable[[Caller], Awaitable[Payload]]
Ask = Callable[[WireProtocol, Target, Payload, str], ProviderRequest]
Read = Callable[[WireProtocol, Target, Payload, bytes], ReplyFacts]
Stream = Callable[[WireProtocol, Target, Payload], StreamReader]
Estimate = Callable[[Payload, str], Usage]


@dataclass(frozen=True)
class Endpoint:
    """`required` and `also_required` must be in the payload. `read` raises ProviderError for what
    is no reply.

    `stream_of` gives the reader of a stream; None where the endpoint never streams. With
    `may_ignore_stream`, providers stream or not as they please, and say so in the content type.
    With `is_audio` the reply is bytes that pass as they come, unless it is a stream of events.
    `take` reads the caller's request, and `estimate` says what was used where nobody else does.
    `dialect_headers` are those of the caller's that a provider of the same dialect sees too.
    """

    model_type: ModelType
    required: str
    request: Ask
    read: Read
    stream_of: Stream | None = None
    dialect_headers: tuple[str, ...] = ()
    also_required: tuple[str, ...] = ()
    may_ignore_stream: bool = False
    is_audio: bool = False
    take: Take = payload_read
    estimate: Estimate = text_estimate

    @property
    def can_stream(self) -> bool:
        return self.stream_of is not None

    def is_streamed(self, payload: Payload) -> bool:
        """Whether the caller asked for a stream of events."""
        if self.is_audio:
            return payload.get("stream_format") == "sse"
        return bool(payload.get("stream")) and self.can_stream

    def stream(self, protocol: WireProtocol, target: Target, payload: Payload) -> StreamReader:
        assert self.stream_of is not None
        return self.stream_of(protocol, target, payload)

    def headers_of(self, caller: Caller) -> dict[str, str]:
        found = ((name, caller.header(name.encode())) for name in self.dialect_headers)
        return {name: value.decode("latin-1") for name, value in found if value is not None}

    def check(self, payload: Payload) -> None:
        """Raises BadRequest for what no provider could make sense of."""
        for name in (self.required, *self.also_required):
            if payload.get(name) in (None, "", []):
                message = f"Missing required parameter: {name}"
                raise BadRequest(message, code="missing_required_parameter", param=name)
        if self.can_stream and payload.get("stream") not in (None, True, False):
            raise BadRequest("stream is neither true nor false.", param="stream")
