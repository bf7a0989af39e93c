"""OpenAI's Responses API, where a provider has it: read on its way to a caller of the same dialect.

https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from providers.protocols.dialects.responses_reply import response_head
from providers.protocols.dialects.responses_stream import response_failed_event
from providers.protocols.failures import ProviderError, ProviderFailure, bad_reply
from providers.protocols.openai.errors import failure_in_stream
from providers.protocols.openai.replies import reply_object
from providers.protocols.sse import Event, EventParser
from providers.protocols.usage import Usage, UsageReport, usage_read
from providers.protocols.wire import ChatReply

_ENDS = ("response.completed", "response.incomplete")
_TEXTS = ("text", "refusal", "name", "arguments", "input")


def response_parse(body: bytes) -> ChatReply:
    """Raises ProviderError for what is no response, or one that failed."""
    response = reply_object(body)
    if not isinstance(response.get("output"), list):
        raise bad_reply("the reply is not a response")
    status = str(response.get("status") or "")
    return ChatReply(response_text(response), status, usage_read(response.get("usage")).usage)


def response_text(response: Mapping[str, Any]) -> str:
    """All that was generated: words, reasoning that is shown, what tools were called with."""
    output = response.get("output")
    return "".join(_texts(output)) if isinstance(output, list) else ""


def _texts(items: list[Any]) -> Iterator[str]:
    for item in items:
        if not isinstance(item, Mapping):
            continue
        yield from (item[name] for name in _TEXTS if isinstance(item.get(name), str))
        for name in ("content", "summary"):
            if isinstance(item.get(name), list):
                yield from _texts(item[name])


class ResponsesStreamReader:
    """A StreamReader (see `providers.protocols.wire`). The event that ends the response waits for
    `finish`; one that tells of a failure is replaced by our own."""

    __slots__ = ("_end", "_failure", "_number", "_parser", "_response", "_texts", "_usage")

    def __init__(self) -> None:
        self._parser = EventParser()
        self._texts: list[str] = []
        self._response: Mapping[str, Any] = response_head({}, {}, "0")
        self._usage: Any = None
        self._number = 0
        self._end = b""
        self._failure: ProviderFailure | None = None

    @property
    def usage_report(self) -> UsageReport:
        return usage_read(self._usage)

    @property
    def usage(self) -> Usage | None:
        return self.usage_report.usage

    @property
    def output_text(self) -> str:
        return "".join(self._texts)

    @property
    def is_done(self) -> bool:
        return bool(self._end) and self._failure is None

    @property
    def has_end_marker(self) -> bool:
        return bool(self._end)

    @property
    def failure(self) -> ProviderFailure | None:
        return self._failure

    def feed(self, chunk: bytes) -> bytes:
        try:
            events = self._parser.feed(chunk)
        except ProviderError as error:
            self._failure = self._failure or error.failure
            return b""
        return b"".join([event.raw for event in events if self._is_for_caller(event)])

    def finish(self) -> bytes:
        rest = self._parser.rest.strip()
        last = self.feed(b"\n\n") if rest and not self._end else b""
        if self._failure is not None:
            raise ProviderError(self._failure)
        if not self._end:
            raise bad_reply("the stream ended before the answer was complete")
        return last + self._end

    def error_event(self, failure: ProviderFailure) -> bytes:
        return response_failed_event(self._response, failure, self._number)

    def _is_for_caller(self, event: Event) -> bool:
        if self._end or self._failure is not None:
            return False
        if event.data is None or event.data == b"[DONE]":
            return event.data is None
        try:
            content = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            content = None
        if not isinstance(content, dict):
            self._failure = bad_reply("the stream holds what is not an event").failure
            return False
        self._read(event, content)
        return not self._end and self._failure is None

    def _read(self, event: Event, content: dict[str, Any]) -> None:
        number, kind = content.get("sequence_number"), content.get("type")
        self._number = number + 1 if type(number) is int else self._number
        response = content.get("response")
        if isinstance(response, Mapping):
            self._response = response
            self._usage = response.get("usage") or self._usage
        if kind in ("error", "response.failed") or content.get("error"):
            said = response.get("error") if isinstance(response, Mapping) else None
            self._failure = failure_in_stream({"error": said} if said else content)
        elif kind in _ENDS:
            self._end = event.raw
        elif str(kind).endswith(".delta") and isinstance(content.get("delta"), str):
            self._texts.append(content["delta"])
        elif kind == "response.output_item.added":
            item = content.get("item")
            name = item.get("name") if isinstance(item, Mapping) else None
            self._texts += [name] if isinstance(name, str) else []
