"""Follows a stream of Anthropic's API, on its way to a caller of any dialect.

https://docs.claude.com/en/docs/build-with-claude/streaming
"""

from collections.abc import Mapping
from typing import Any

import orjson

from providers.protocols.anthropic.errors import failure_in_stream
from providers.protocols.anthropic.replies import (
    THOUGHTS,
    completion_head,
    finish_reason,
    usage_parse,
)
from providers.protocols.dialects.messages_stream import MESSAGE_STOP, messages_error_event
from providers.protocols.dialects.usage_words import usage_in_chat
from providers.protocols.failures import ProviderError, ProviderFailure, bad_reply
from providers.protocols.sse import Event, EventParser
from providers.protocols.usage import Usage, UsageReport

_TEXTS = ("text", "thinking", "partial_json")
Chunk = dict[str, Any]


class MessageProgress:
    """What the decoded events of a stream, however they were framed, tell: how far the answer is,
    what it says, what it used."""

    __slots__ = ("_texts", "_usage", "failure", "has_end_marker", "is_started", "stop_reason")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._usage: dict[str, Any] = {}
        self.failure: ProviderFailure | None = None
        self.has_end_marker = False
        self.is_started = False
        self.stop_reason: str | None = None

    @property
    def usage_report(self) -> UsageReport:
        """The start tells of the prompt, the end of the whole: later figures replace earlier."""
        return usage_parse(self._usage or None)

    @property
    def output_text(self) -> str:
        return "".join(self._texts)

    @property
    def is_done(self) -> bool:
        return self.failure is None and self.stop_reason is not None

    def read(self, event: Mapping[str, Any]) -> None:
        match event.get("type"):
            case "message_start":
                self.is_started = True
                message = event.get("message")
                self._add_usage(message)
            case "content_block_start":
                self._add_block(event.get("content_block"))
            case "content_block_delta":
                self._add_delta(event.get("delta"))
            case "message_delta":
                self._add_usage(event)
                delta = event.get("delta")
                reason = delta.get("stop_reason") if isinstance(delta, Mapping) else None
                self.stop_reason = str(reason) if reason else self.stop_reason
            case "message_stop":
                self._end()
            case "error":
                self.fail(failure_in_stream(event))

    def fail(self, failure: ProviderFailure) -> None:
        self.failure = self.failure or failure

    def require_complete(self) -> None:
        """Raises ProviderError."""
        if self.failure is not None:
            raise ProviderError(self.failure)
        if not self.is_done:
            raise bad_reply("the stream ended before the answer was complete")

    def _end(self) -> None:
        self.has_end_marker = True
        if self.stop_reason is None:
            self.fail(bad_reply("the stream ended without saying why").failure)

    def _add_usage(self, holder: Any) -> None:
        usage = holder.get("usage") if isinstance(holder, Mapping) else None
        if isinstance(usage, Mapping):
            self._usage |= {name: count for name, count in usage.items() if count is not None}

    def _add_block(self, block: Any) -> None:
        if isinstance(block, Mapping):
            names = ("text", "thinking", "name")
            self._texts += [block[name] for name in names if isinstance(block.get(name), str)]

    def _add_delta(self, delta: Any) -> None:
        if isinstance(delta, Mapping):
            self._texts += [delta[name] for name in _TEXTS if isinstance(delta.get(name), str)]


class MessageChunks:
    """The decoded events of one stream as chat completion chunks.

    https://platform.openai.com/docs/api-reference/chat-streaming. Thinking that was signed comes in
    `thinking_blocks` once it is whole (see content.py).
    """

    __slots__ = ("_calls", "_head", "_thoughts")

    def __init__(self) -> None:
        self._head: Chunk = completion_head({}, "chat.completion.chunk")
        self._calls: dict[Any, int] = {}
        self._thoughts: dict[Any, dict[str, Any]] = {}

    def of(self, event: Mapping[str, Any]) -> list[Chunk]:
        match event.get("type"):
            case "message_start":
                message = event.get("message")
                known = message if isinstance(message, Mapping) else {}
                self._head = completion_head(known, "chat.completion.chunk")
                return [self._chunk({"role": "assistant", "content": ""})]
            case "content_block_start":
                return self._block(event.get("index"), event.get("content_block"))
            case "content_block_delta":
                return self._delta(event.get("index"), event.get("delta"))
            case "content_block_stop":
                thought = self._thoughts.pop(event.get("index"), None)
                return [self._chunk({"thinking_blocks": [thought]})] if thought else []
        return []

    def last(self, stop_reason: str | None, usage: Usage | None) -> list[Chunk]:
        """Why the answer ended, and the usage in a chunk of its own."""
        end = self._chunk({}, finish_reason(stop_reason or ""))
        told = (
            [] if usage is None else [{**self._head, "choices": [], "usage": usage_in_chat(usage)}]
        )
        return [end, *told]

    def _block(self, index: Any, block: Any) -> list[Chunk]:
        if not isinstance(block, Mapping):
            return []
        kind = block.get("type")
        if kind in THOUGHTS:
            self._thoughts[index] = dict(block)
            return self._thought(block.get("thinking"))
        if kind == "tool_use":
            self._calls[index] = place = len(self._calls)
            function = {"name": str(block.get("name") or ""), "arguments": ""}
            call = {"index": place, "id": str(block.get("id") or ""), "type": "function"}
            return [self._chunk({"tool_calls": [{**call, "function": function}]})]
        text = block.get("text") if kind == "text" else None
        return [self._chunk({"content": text})] if text else []

    def _delta(self, index: Any, delta: Any) -> list[Chunk]:
        if not isinstance(delta, Mapping):
            return []
        match delta.get("type"):
            case "text_delta":
                return [self._chunk({"content": delta.get("text") or ""})]
            case "thinking_delta":
                if index in self._thoughts:
                    thought = self._thoughts[index]
                    thought["thinking"] = thought.get("thinking", "") + str(delta.get("thinking"))
                return self._thought(delta.get("thinking"))
            case "signature_delta" if index in self._thoughts:
                self._thoughts[index]["signature"] = delta.get("signature")
            case "input_json_delta" if index in self._calls and delta.get("partial_json"):
                function = {"arguments": delta["partial_json"]}
                call = {"index": self._calls[index], "function": function}
                return [self._chunk({"tool_calls": [call]})]
        return []

    def _thought(self, text: Any) -> list[Chunk]:
        return [self._chunk({"reasoning_content": text})] if isinstance(text, str) and text else []

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> Chunk:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**self._head, "choices": [choice]}


class _MessagesStream:
    """The framing as server-sent events, and the properties that both readers have."""

    __slots__ = ("_parser", "_progress")

    def __init__(self) -> None:
        self._parser = EventParser()
        self._progress = MessageProgress()

    @property
    def usage_report(self) -> UsageReport:
        return self._progress.usage_report

    @property
    def usage(self) -> Usage | None:
        return self._progress.usage_report.usage

    @property
    def output_text(self) -> str:
        return self._progress.output_text

    @property
    def is_done(self) -> bool:
        return self._progress.is_done

    @property
    def has_end_marker(self) -> bool:
        return self._progress.has_end_marker

    @property
    def failure(self) -> ProviderFailure | None:
        return self._progress.failure

    def _events(self, chunk: bytes) -> list[Event]:
        try:
            return self._parser.feed(chunk)
        except ProviderError as error:
            self._progress.fail(error.failure)
            return []

    def _read(self, event: Event) -> dict[str, Any] | None:
        """The decoded event; None where there is none, or no more of the answer is expected."""
        if event.data is None or self.has_end_marker or self.failure is not None:
            return None
        try:
            content = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            content = None
        if not isinstance(content, dict):
            self._progress.fail(bad_reply("the stream holds what is not an event").failure)
            return None
        if event.name == b"error" and content.get("type") != "error":
            content = {"type": "error", "error": content.get("error", content)}
        self._progress.read(content)
        return content if self.failure is None else None

    def _rest(self) -> bytes:
        """What is to be fed at the end: a server may leave out the last blank line, and an event
        that was cut is no JSON."""
        return b"\n\n" if self._parser.rest.strip() and not self.has_end_marker else b""


class MessagesStreamReader(_MessagesStream):
    """A StreamReader (see `providers.protocols.wire`) for callers of the same dialect.

    Events of kinds that we do not know pass too. The last one waits for `finish`.
    """

    __slots__ = ("_end",)

    def __init__(self) -> None:
        super().__init__()
        self._end = MESSAGE_STOP

    def feed(self, chunk: bytes) -> bytes:
        return b"".join([e.raw for e in self._events(chunk) if self._is_for_caller(e)])

    def finish(self) -> bytes:
        last = self.feed(self._rest())
        self._progress.require_complete()
        return last + self._end

    def error_event(self, failure: ProviderFailure) -> bytes:
        return messages_error_event(failure)

    def _is_for_caller(self, event: Event) -> bool:
        if event.data is None:
            return not self.has_end_marker and self.failure is None
        if self._read(event) is None:
            return False
        if self.has_end_marker:
            self._end = event.raw
        return not self.has_end_marker


class MessagesChunkReader(_MessagesStream):
    """A ChunkReader (see `providers.protocols.wire`) of the same streams."""

    __slots__ = ("_chunks",)

    def __init__(self) -> None:
        super().__init__()
        self._chunks = MessageChunks()

    def feed(self, chunk: bytes) -> list[Chunk]:
        found: list[Chunk] = []
        for event in self._events(chunk):
            content = self._read(event)
            found += [] if content is None else self._chunks.of(content)
        return found

    def finish(self) -> list[Chunk]:
        last = self.feed(self._rest())
        self._progress.require_complete()
        return last + self._chunks.last(self._progress.stop_reason, self.usage)
