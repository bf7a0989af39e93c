"""Writes a stream of Anthropic's dialect from chat completion chunks.

https://docs.claude.com/en/docs/build-with-claude/streaming#event-types
"""

from typing import Any

import orjson

from providers.protocols.dialects.completions_read import ToolCall, choice_of, said_in, usage_in
from providers.protocols.dialects.messages_errors import error_object, error_type_of_kind
from providers.protocols.dialects.messages_reply import message_end, message_head, stop_reason
from providers.protocols.dialects.usage_words import usage_in_messages
from providers.protocols.failures import ProviderFailure, bad_reply
from providers.protocols.usage import Usage

# What a block of each type begins as; a tool's call adds its id and name.
_EMPTY: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
    "tool_use": {"type": "tool_use", "input": {}},
}
_DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}
Block = tuple[str, int]
"""What is open: its type, and which of the tools' calls it is."""


class MessagesChunkWriter:
    """A ChunkWriter (see caller_dialect.py). One block is open at a time, as the dialect wants it:
    a stream that comes back to a tool's call which was left cannot be said in it."""

    __slots__ = ("_called", "_finish", "_is_refusal", "_is_started", "_open", "_place", "_usage")

    def __init__(self) -> None:
        self._is_started = False
        self._open: Block | None = None
        self._place = 0
        self._called: set[int] = set()
        self._finish: Any = None
        self._is_refusal = False
        self._usage: Usage | None = None

    def write(self, chunk: dict[str, Any]) -> bytes:
        """Raises ProviderError where the calls of several tools are mixed."""
        events = self._start(chunk)
        choice = choice_of(chunk)
        said = said_in(choice.get("delta"))
        events += self._text("thinking", said.thought)
        events += self._text("text", said.text + said.refusal)
        self._is_refusal = self._is_refusal or bool(said.refusal)
        for call in said.calls:
            events += self._call(call)
        self._finish = choice.get("finish_reason") or self._finish
        self._usage = usage_in(chunk) or self._usage
        return b"".join(events)

    def finish(self) -> bytes:
        events = [*self._start({}), *self._close()]
        reason = stop_reason(
            self._finish, has_calls=bool(self._called), is_refusal=self._is_refusal
        )
        usage = usage_in_messages(self._usage)
        events.append(_event("message_delta", delta=message_end(reason), usage=usage))
        return b"".join([*events, MESSAGE_STOP])

    def error_event(self, failure: ProviderFailure) -> bytes:
        return messages_error_event(failure)

    def _start(self, chunk: dict[str, Any]) -> list[bytes]:
        if self._is_started:
            return []
        self._is_started = True
        return [_event("message_start", message=message_head(chunk)), _event("ping")]

    def _text(self, kind: str, text: str) -> list[bytes]:
        if not text:
            return []
        begun = [] if self._open == (kind, 0) else self._begin((kind, 0), _EMPTY[kind])
        return [*begun, self._delta(kind, text)]

    def _call(self, bit: ToolCall) -> list[bytes]:
        block = ("tool_use", bit.place)
        begun: list[bytes] = []
        if self._open != block:
            if bit.place in self._called:
                raise bad_reply("the stream mixes the calls of several tools")
            self._called.add(bit.place)
            named = {"id": bit.id or f"toolu_{bit.place}", "name": bit.name}
            begun = self._begin(block, {**_EMPTY["tool_use"], **named})
        return [*begun, self._delta("tool_use", bit.arguments)] if bit.arguments else begun

    def _begin(self, block: Block, content: dict[str, Any]) -> list[bytes]:
        closed = self._close()
        self._open = block
        return [*closed, _event("content_block_start", index=self._place, content_block=content)]

    def _delta(self, kind: str, text: str) -> bytes:
        delta_type, name = _DELTAS[kind]
        delta = {"type": delta_type, name: text}
        return _event("content_block_delta", index=self._place, delta=delta)

    def _close(self) -> list[bytes]:
        if self._open is None:
            return []
        stopped = _event("content_block_stop", index=self._place)
        self._open = None
        self._place += 1
        return [stopped]


def messages_error_event(failure: ProviderFailure) -> bytes:
    """The one event that ends a broken stream in this dialect."""
    error = error_object(error_type_of_kind(failure.kind), failure.message)
    return b"event: error\ndata: " + orjson.dumps(error) + b"\n\n"


def _event(kind: str, **fields: Any) -> bytes:
    data = orjson.dumps({"type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


MESSAGE_STOP = _event("message_stop")
