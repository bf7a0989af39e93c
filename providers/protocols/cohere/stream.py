"""Follows Cohere's stream of chat events. https://docs.cohere.com/docs/streaming"""

from collections.abc import Mapping
from typing import Any

from providers.protocols.chat.chunk_reader import ForeignStream
from providers.protocols.cohere.replies import event_decoded, finish_of, tool_call_read, usage_read
from providers.protocols.failures import ProviderError, bad_reply
from providers.protocols.openai.errors import failure_in_stream
from providers.protocols.sse import EventParser


class CohereChunkReader(ForeignStream):
    """Done with `message-end`, which says why and what it took; nothing that counts follows."""

    __slots__ = ("_calls", "_is_ended", "_parser")

    def __init__(self) -> None:
        super().__init__()
        self._parser = EventParser()
        self._calls: dict[int, int] = {}
        self._is_ended = False

    @property
    def is_done(self) -> bool:
        return self._is_ended and self._failure is None

    @property
    def has_end_marker(self) -> bool:
        return self._is_ended

    def _take(self, chunk: bytes, given: list[dict[str, Any]]) -> None:
        for event in self._parser.feed(chunk):
            if event.data is not None and not self._is_ended:
                self._read(event_decoded(event.data), given)

    def _end(self, given: list[dict[str, Any]]) -> None:
        if self._is_ended or not self._parser.rest.strip():
            return
        self._take(b"\n\n", given)

    def _read(self, event: Mapping[str, Any], given: list[dict[str, Any]]) -> None:
        delta = event.get("delta")
        told: Mapping[str, Any] = delta if isinstance(delta, dict) else {}
        message = told.get("message")
        said: Mapping[str, Any] = message if isinstance(message, dict) else {}
        match event.get("type"):
            case "message-start":
                self._writer.begin(str(event.get("id") or ""))
                given.append(self._writer.chunk({"role": "assistant", "content": ""}))
            case "content-start" | "content-delta":
                self._say(said.get("content"), given)
            case "tool-plan-delta":
                self._plan(said.get("tool_plan"), given)
            case "tool-call-start":
                self._call(event, said.get("tool_calls"), given)
            case "tool-call-delta":
                self._argue(event, said.get("tool_calls"), given)
            case "citation-start":
                given.append(self._writer.chunk({"citations": [said.get("citations")]}))
            case "message-end":
                self._finish(told, given)
            case _ if event.get("error") or "type" not in event:
                raise ProviderError(failure_in_stream(event))

    def _say(self, content: Any, given: list[dict[str, Any]]) -> None:
        parts = content if isinstance(content, dict) else {}
        for name, ours in (("text", "content"), ("thinking", "reasoning_content")):
            words = parts.get(name)
            if isinstance(words, str) and words:
                self._texts.append(words)
                given.append(self._writer.chunk({ours: words}))

    def _plan(self, words: Any, given: list[dict[str, Any]]) -> None:
        if isinstance(words, str) and words:
            self._texts.append(words)
            given.append(self._writer.chunk({"tool_plan": words}))

    def _call(self, event: Mapping[str, Any], call: Any, given: list[dict[str, Any]]) -> None:
        made = tool_call_read(call)
        number = len(self._calls)
        self._calls[_index(event)] = number
        self._texts += (made["function"]["name"], made["function"]["arguments"])
        given.append(self._writer.chunk({"tool_calls": [{"index": number, **made}]}))

    def _argue(self, event: Mapping[str, Any], call: Any, given: list[dict[str, Any]]) -> None:
        function = call.get("function") if isinstance(call, dict) else None
        words = function.get("arguments") if isinstance(function, dict) else None
        number = self._calls.get(_index(event))
        if not isinstance(words, str) or number is None:
            raise bad_reply("the stream goes on with a tool call that did not begin")
        self._texts.append(words)
        piece = {"index": number, "function": {"arguments": words}}
        given.append(self._writer.chunk({"tool_calls": [piece]}))

    def _finish(self, told: Mapping[str, Any], given: list[dict[str, Any]]) -> None:
        finish = finish_of(told.get("finish_reason"), told.get("error"))
        self._usage = usage_read(told.get("usage"))
        given.append(self._writer.chunk({}, finish))
        self._is_ended = True


def _index(event: Mapping[str, Any]) -> int:
    index = event.get("index")
    return index if type(index) is int else 0
