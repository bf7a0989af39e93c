"""Follows ConverseStream: an event stream of JSON events.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from collections.abc import Mapping
from typing import Any

import orjson

from providers.protocols.bedrock.errors import failure_of_exception
from providers.protocols.bedrock.event_stream import EventStreamParser, Message
from providers.protocols.bedrock.replies import finish_of, usage_of
from providers.protocols.chat.answer import tool_call_make
from providers.protocols.chat.chunk_reader import ForeignStream
from providers.protocols.failures import ProviderError, bad_reply


class BedrockChunkReader(ForeignStream):
    """`messageStop` says how the answer ended; `metadata`, with the usage, is always the last."""

    __slots__ = ("_calls", "_finish", "_has_metadata", "_parser", "_thoughts")

    def __init__(self) -> None:
        super().__init__()
        self._parser = EventStreamParser()
        self._calls: dict[Any, int] = {}
        self._thoughts: dict[Any, dict[str, Any]] = {}
        self._finish = ""
        self._has_metadata = False

    @property
    def is_done(self) -> bool:
        return self._failure is None and bool(self._finish) and self._has_metadata

    @property
    def has_end_marker(self) -> bool:
        return self._has_metadata

    def _take(self, chunk: bytes, given: list[dict[str, Any]]) -> None:
        for message in self._parser.feed(chunk):
            if not self._has_metadata:
                self._read(message, given)

    def _end(self, given: list[dict[str, Any]]) -> None:
        if self._parser.has_rest:
            raise bad_reply("the stream ended in the middle of a message")

    def _read(self, message: Message, given: list[dict[str, Any]]) -> None:
        if message.headers.get(":message-type", "event") != "event":
            raise ProviderError(failure_of_exception(message.headers, message.payload))
        event = _decoded(message.payload)
        match message.headers.get(":event-type"):
            case "messageStart":
                given.append(self._writer.chunk({"role": "assistant", "content": ""}))
            case "contentBlockStart":
                self._begin(event, given)
            case "contentBlockDelta":
                self._delta(event, given)
            case "contentBlockStop":
                self._stop(event, given)
            case "messageStop":
                self._finish = finish_of(event.get("stopReason"))
                given.append(self._writer.chunk({}, self._finish))
            case "metadata":
                self._usage = usage_of(event)
                self._has_metadata = True

    def _begin(self, event: Mapping[str, Any], given: list[dict[str, Any]]) -> None:
        start = event.get("start")
        use = start.get("toolUse") if isinstance(start, dict) else None
        if not isinstance(use, dict):
            return
        name, number = str(use.get("name") or ""), len(self._calls)
        self._calls[event.get("contentBlockIndex")] = number
        self._texts.append(name)
        call = tool_call_make(str(use.get("toolUseId") or ""), name, "")
        given.append(self._writer.chunk({"tool_calls": [{"index": number, **call}]}))

    def _delta(self, event: Mapping[str, Any], given: list[dict[str, Any]]) -> None:
        delta = event.get("delta")
        if not isinstance(delta, dict):
            return
        text = delta.get("text")
        if isinstance(text, str):
            self._texts.append(text)
            given.append(self._writer.chunk({"content": text}))
        elif isinstance(delta.get("toolUse"), dict):
            self._arguments(event.get("contentBlockIndex"), delta["toolUse"], given)
        elif isinstance(delta.get("reasoningContent"), dict):
            self._thought(event.get("contentBlockIndex"), delta["reasoningContent"], given)

    def _arguments(self, block: Any, use: Mapping[str, Any], given: list[dict[str, Any]]) -> None:
        if block not in self._calls:
            raise bad_reply("the stream goes on with a tool call that did not begin")
        piece = str(use.get("input") or "")
        self._texts.append(piece)
        call = {"index": self._calls[block], "function": {"arguments": piece}}
        given.append(self._writer.chunk({"tool_calls": [call]}))

    def _thought(self, block: Any, content: Mapping[str, Any], given: list[dict[str, Any]]) -> None:
        """The words go out as they come; with their signature once the block is whole."""
        if content.get("redactedContent") is not None:
            data = content["redactedContent"]
            self._thoughts[block] = {"type": "redacted_thinking", "data": data}
            return
        thought = self._thoughts.setdefault(block, {"type": "thinking", "thinking": ""})
        words = content.get("text")
        if isinstance(words, str) and words:
            thought["thinking"] = thought.get("thinking", "") + words
            self._texts.append(words)
            given.append(self._writer.chunk({"reasoning_content": words}))
        if content.get("signature"):
            thought["signature"] = content["signature"]

    def _stop(self, event: Mapping[str, Any], given: list[dict[str, Any]]) -> None:
        thought = self._thoughts.pop(event.get("contentBlockIndex"), None)
        if thought is not None:
            given.append(self._writer.chunk({"thinking_blocks": [thought]}))


def _decoded(payload: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError:
        event = None
    if not isinstance(event, dict):
        raise bad_reply("the stream holds an event that is no JSON object")
    return event
