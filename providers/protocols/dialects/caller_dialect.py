"""What a dialect does: a caller's request into the hub's terms, and the answer back out of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from providers.protocols.failures import ProviderFailure
from providers.protocols.wire import Payload


@dataclass(frozen=True, slots=True)
class ChatForm:
    """A request in the hub's terms. `left_out` names the caller's fields that these cannot say."""

    payload: dict[str, Any]
    left_out: tuple[str, ...] = ()


class ChunkWriter(Protocol):
    """Writes one stream in the caller's dialect, from chunks of the hub's terms."""

    def write(self, chunk: dict[str, Any]) -> bytes:
        """The events for a chunk; none where the caller needs none."""

    def finish(self) -> bytes:
        """The events that end a complete answer."""

    def error_event(self, failure: ProviderFailure) -> bytes:
        """The event that ends a broken one."""


class CallerDialect(Protocol):
    """Stateless; `DIALECTS` in exchange.py holds one of each."""

    reasoning_field: str
    """Where the caller says how much the model shall think."""

    def to_chat(self, asked: Payload) -> ChatForm:
        """Raises InvalidRequest naming the field for what is not of the dialect's shape, and
        NotSupported for what chat completions cannot say and an answer would be wrong without."""

    def reply(self, completion: Mapping[str, Any], asked: Payload) -> bytes:
        """The body for a whole reply, which comes as a chat completion."""

    def chunk_writer(self, asked: Payload) -> ChunkWriter: ...
