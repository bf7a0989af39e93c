"""Follows a stream of chat completion chunks on its way to the caller.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from typing import Any

import orjson

from providers.protocols.dialects.chat import END_MARKER, chat_error_event
from providers.protocols.failures import ProviderError, ProviderFailure, bad_reply
from providers.protocols.openai.errors import failure_in_stream, is_error
from providers.protocols.openai.replies import message_text
from providers.protocols.sse import Event, EventParser
from providers.protocols.usage import NOT_REPORTED, Usage, UsageReport, usage_read


class _OpenAIStream:
    """What both readers know of a stream: how far it is, what it said, what it used."""

    __slots__ = (
        "_chunk",
        "_failure",
        "_finished",
        "_has_end_marker",
        "_hide_usage",
        "_parser",
        "_started",
        "_texts",
        "_usage",
    )

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide_usage = hide_usage
        self._chunk: dict[str, Any] | None = None
        self._parser = EventParser()
        self._texts: list[str] = []
        self._started: set[int] = set()
        self._finished: set[int] = set()
        self._usage: Any = None
        self._has_end_marker = False
        self._failure: ProviderFailure | None = None

    @property
    def usage_report(self) -> UsageReport:
        """Some servers repeat a growing usage in every chunk: the last one counts."""
        return NOT_REPORTED if self._usage is None else usage_read(self._usage)

    @property
    def usage(self) -> Usage | None:
        return self.usage_report.usage

    @property
    def output_text(self) -> str:
        return "".join(self._texts)

    @property
    def has_end_marker(self) -> bool:
        return self._has_end_marker

    @property
    def is_done(self) -> bool:
        if self._failure is not None:
            return False
        return self._has_end_marker or bool(self._finished >= self._started and self._finished)

    @property
    def failure(self) -> ProviderFailure | None:
        return self._failure

    def _events(self, chunk: bytes) -> list[Event]:
        try:
            return self._parser.feed(chunk)
        except ProviderError as error:
            self._failure = self._failure or error.failure
            return []

    def _rest(self) -> bytes:
        """What is to be fed at the end. Some servers leave out the last blank line; an event that
        was cut is no JSON."""
        rest = self._parser.rest.strip()
        if not rest or self._has_end_marker:
            return b""
        if not rest.startswith((b"data:", b"event:", b":")):
            self._failure = bad_reply("the stream ended in the middle of an event").failure
        return b"\n\n"

    def _require_complete(self) -> None:
        if self._failure is not None:
            raise ProviderError(self._failure)
        if not self.is_done:
            raise bad_reply("the stream ended before the answer was complete")

    def _is_for_caller(self, event: Event) -> bool:
        self._chunk = None
        if self._has_end_marker or self._failure is not None:
            return False
        if event.data is None:
            return True
        if event.data == b"[DONE]":
            self._has_end_marker = True
            return False
        return self._read(event, event.data)

    def _read(self, event: Event, data: bytes) -> bool:
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            chunk = None
        if event.name == b"error" or not isinstance(chunk, dict) or is_error(chunk):
            return self._read_oddity(event, chunk, data)
        self._chunk = chunk
        usage = chunk.get("usage")
        if usage is not None:
            self._usage = usage
        choices = chunk.get("choices")
        if choices and isinstance(choices, list):
            self._read_choices(choices)
        return not (self._hide_usage and usage is not None and choices == [])

    def _read_oddity(self, event: Event, chunk: Any, data: bytes) -> bool:
        """An error, or an event of a kind that we do not know, which is not ours to drop."""
        if event.name not in (b"error", b"message"):
            return True
        if event.name == b"error" or isinstance(chunk, dict):
            words = data.decode("utf-8", "replace") if chunk is None else chunk
            self._failure = failure_in_stream(words)
        else:
            self._failure = bad_reply("the stream holds what is not a chunk").failure
        return False

    def _read_choices(self, choices: list[Any]) -> None:
        for choice in choices:
            if not isinstance(choice, dict):
                continue
            index = choice.get("index", 0)
            index = index if type(index) is int else 0
            self._started.add(index)
            if choice.get("finish_reason") is not None:
                self._finished.add(index)
            delta = choice.get("delta")
            text = message_text(delta) if isinstance(delta, dict) else choice.get("text")
            if text and isinstance(text, str):
                self._texts.append(text)


class OpenAIStreamReader(_OpenAIStream):
    """A StreamReader (see `providers.protocols.wire`) for chat and text completions."""

    __slots__ = ()

    def feed(self, chunk: bytes) -> bytes:
        return b"".join([e.raw for e in self._events(chunk) if self._is_for_caller(e)])

    def finish(self) -> bytes:
        last = self.feed(self._rest())
        self._require_complete()
        return last + END_MARKER

    def error_event(self, failure: ProviderFailure) -> bytes:
        return chat_error_event(failure)


class OpenAIChunkReader(_OpenAIStream):
    """A ChunkReader (see `providers.protocols.wire`) of the same streams."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(hide_usage=False)

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        events = self._events(chunk)
        return [self._chunk for e in events if self._is_for_caller(e) and self._chunk is not None]

    def finish(self) -> list[dict[str, Any]]:
        last = self.feed(self._rest())
        self._require_complete()
        return last
