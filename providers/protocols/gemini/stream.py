"""Follows `streamGenerateContent?alt=sse`: each event is a reply with the next pieces in it.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

from collections.abc import Mapping
from typing import Any

import orjson

from providers.protocols.chat.chunk_reader import ForeignStream
from providers.protocols.failures import bad_reply
from providers.protocols.gemini.replies import (
    candidates_of,
    finish_of,
    logprobs_of,
    object_of,
    plain_text_of,
    said_in,
    usage_of,
)
from providers.protocols.sse import Event, EventParser
from providers.protocols.usage import UsageReport


class GeminiChunkReader(ForeignStream):
    """Has no end marker: it is done once each candidate that began gave its reason to end."""

    __slots__ = ("_called", "_finished", "_parser", "_started", "_told")

    def __init__(self) -> None:
        super().__init__()
        self._parser = EventParser()
        self._started: set[int] = set()
        self._finished: set[int] = set()
        self._called: dict[int, int] = {}
        self._told: dict[str, Any] = {}

    @property
    def usage_report(self) -> UsageReport:
        """Each event repeats a growing usage: the last one counts."""
        return usage_of(self._told)

    @property
    def is_done(self) -> bool:
        return self._failure is None and bool(self._finished >= self._started and self._finished)

    def _take(self, chunk: bytes, given: list[dict[str, Any]]) -> None:
        for event in self._parser.feed(chunk):
            self._read(event, given)

    def _end(self, given: list[dict[str, Any]]) -> None:
        rest = self._parser.rest.strip()
        if not rest:
            return
        if rest.startswith((b"[", b"{")):
            # An error that came before the stream began is a JSON body of its own.
            object_of(_decoded(rest))
        if not rest.startswith((b"data:", b":")):
            raise bad_reply("the stream ended in the middle of an event")
        self._take(b"\n\n", given)

    def _read(self, event: Event, given: list[dict[str, Any]]) -> None:
        if event.data is None:
            return
        reply = object_of(_decoded(event.data))
        if "usageMetadata" in reply:
            self._told = reply
        for place, candidate in enumerate(candidates_of(reply)):
            index = candidate.get("index", place)
            index = index if type(index) is int else place
            if not self._started:
                self._writer.begin(reply.get("responseId") or "", reply.get("modelVersion") or "")
            if index in self._started and (text := plain_text_of(candidate)):
                self._texts.append(text)
                given.append(self._writer.chunk({"content": text}, None, index))
            else:
                given += self._chunks(candidate, index)

    def _chunks(self, candidate: Mapping[str, Any], index: int) -> list[dict[str, Any]]:
        said = said_in(candidate)
        delta: dict[str, Any] = {}
        if index not in self._started:
            self._started.add(index)
            delta["role"] = "assistant"
        if said.text:
            delta["content"] = said.text
            self._texts.append(said.text)
        if said.reasoning:
            delta["reasoning_content"] = said.reasoning
            self._texts.append(said.reasoning)
        if said.tool_calls:
            delta["tool_calls"] = [self._numbered(call, index) for call in said.tool_calls]
        finish = finish_of(candidate, has_called=index in self._called)
        if finish is not None:
            self._finished.add(index)
        logprobs = logprobs_of(candidate) if "logprobsResult" in candidate else None
        if not delta and finish is None and logprobs is None:
            return []
        return [self._writer.chunk(delta, finish, index, logprobs)]

    def _numbered(self, call: dict[str, Any], index: int) -> dict[str, Any]:
        number = self._called.get(index, 0)
        self._called[index] = number + 1
        self._texts += (call["function"]["name"], call["function"]["arguments"])
        return {"index": number, **call}


def _decoded(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise bad_reply("the stream holds what is not JSON") from None
