"""Writes a stream of OpenAI's Responses dialect from chat completion chunks.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Mapping
from typing import Any

import orjson

from providers.protocols.dialects.completions_read import (
    ToolCall,
    bare_id,
    choice_of,
    said_in,
    usage_in,
)
from providers.protocols.dialects.responses_reply import (
    Item,
    call_item,
    logprobs_in,
    message_item,
    reasoning_item,
    refusal_part,
    response_end,
    response_failure,
    response_head,
    status_of,
    text_part,
)
from providers.protocols.failures import ProviderFailure, bad_reply
from providers.protocols.usage import Usage
from providers.protocols.wire import Payload

Key = tuple[str, int]
"""What is being written: its kind, and which of the tools' calls it is."""


class ResponsesChunkWriter:
    """A ChunkWriter (see caller_dialect.py). One item is open at a time, as the dialect wants it:
    a stream that comes back to a tool's call which was left cannot be said in it."""

    __slots__ = (
        "_asked",
        "_bare",
        "_called",
        "_events",
        "_head",
        "_items",
        "_logprobs",
        "_number",
        "_open",
        "_part",
        "_reason",
        "_text",
        "_usage",
    )

    def __init__(self, asked: Payload) -> None:
        self._asked = asked
        self._bare = "0"
        self._head: dict[str, Any] | None = None
        self._number = 0
        self._events: list[bytes] = []
        self._items: list[Item] = []
        self._open: tuple[Key, Any] | None = None
        self._part = 0
        self._text = ""
        self._logprobs: list[Any] = []
        self._called: set[int] = set()
        self._reason: Any = None
        self._usage: Usage | None = None

    def write(self, chunk: dict[str, Any]) -> bytes:
        """Raises ProviderError where the calls of several tools are mixed."""
        self._start(chunk)
        choice = choice_of(chunk)
        said = said_in(choice.get("delta"))
        if said.thought:
            self._think(said.thought)
        if said.text:
            self._say("output_text", said.text, logprobs_in(choice))
        if said.refusal:
            self._say("refusal", said.refusal, [])
        for call in said.calls:
            self._call(call)
        self._reason = choice.get("finish_reason") or self._reason
        self._usage = usage_in(chunk) or self._usage
        return self._take()

    def finish(self) -> bytes:
        self._start({})
        self._close(status_of(self._reason))
        ended = response_end(self._reason, self._items, self._usage)
        kind = f"response.{ended['status']}"
        self._event(kind, response={**(self._head or {}), **ended})
        return self._take()

    def error_event(self, failure: ProviderFailure) -> bytes:
        head = self._head or response_head({}, self._asked, self._bare)
        return response_failed_event({**head, "output": self._items}, failure, self._number)

    def _start(self, chunk: dict[str, Any]) -> None:
        if self._head is not None:
            return
        self._bare = bare_id(chunk)
        self._head = response_head(chunk, self._asked, self._bare)
        self._event("response.created", response=self._head)
        self._event("response.in_progress", response=self._head)

    def _think(self, text: str) -> None:
        if self._begin(("reasoning", 0), reasoning_item(self._bare, "", "in_progress")):
            part = {"type": "reasoning_text", "text": ""}
            self._event("response.content_part.added", **self._where(), part=part)
        self._text += text
        self._event("response.reasoning_text.delta", **self._where(), delta=text)

    def _say(self, kind: str, text: str, logprobs: list[Any]) -> None:
        """Words and refusals are parts of one message: the one ends where the other begins."""
        if self._open is not None and self._open[0][0] == "message" and self._open[1] != kind:
            self._close_part()
            self._open = (("message", 0), kind)
            self._part += 1
            self._add_part(kind)
        elif self._begin(("message", 0), message_item(self._bare, [], "in_progress"), kind):
            self._add_part(kind)
        self._text += text
        told = {"logprobs": logprobs} if kind == "output_text" else {}
        self._logprobs += logprobs
        self._event(f"response.{kind}.delta", **self._where(), delta=text, **told)

    def _add_part(self, kind: str) -> None:
        part = text_part("", []) if kind == "output_text" else refusal_part("")
        self._event("response.content_part.added", **self._where(), part=part)

    def _call(self, bit: ToolCall) -> None:
        key = ("call", bit.place)
        if self._open is None or self._open[0] != key:
            if bit.place in self._called:
                raise bad_reply("the stream mixes the calls of several tools")
            self._called.add(bit.place)
            empty = bit._replace(arguments="")
            self._begin(key, call_item(self._bare, empty, "in_progress"), empty)
        if bit.arguments:
            self._text += bit.arguments
            kind = "response.function_call_arguments.delta"
            self._event(kind, **self._place(), delta=bit.arguments)

    def _begin(self, key: Key, item: Item, more: Any = None) -> bool:
        """Whether another item was begun with it."""
        if self._open is not None and self._open[0] == key:
            return False
        self._close()
        self._open = (key, more)
        self._items.append(item)
        self._event("response.output_item.added", output_index=len(self._items) - 1, item=item)
        return True

    def _close(self, status: str = "completed") -> None:
        if self._open is None:
            return
        (kind, _), more = self._open
        if kind == "reasoning":
            self._close_thought()
        elif kind == "message":
            self._close_part()
        else:
            self._close_call(more)
        item, place = {**self._items[-1], "status": status}, len(self._items) - 1
        self._items[-1] = item
        self._event("response.output_item.done", output_index=place, item=item)
        self._open, self._part, self._text = None, 0, ""

    def _close_thought(self) -> None:
        self._event("response.reasoning_text.done", **self._where(), text=self._text)
        part = {"type": "reasoning_text", "text": self._text}
        self._event("response.content_part.done", **self._where(), part=part)
        self._items[-1] = reasoning_item(self._bare, self._text)

    def _close_part(self) -> None:
        assert self._open is not None
        if self._open[1] == "output_text":
            part = text_part(self._text, self._logprobs)
            told = {"text": self._text, "logprobs": self._logprobs}
        else:
            part = refusal_part(self._text)
            told = {"refusal": self._text}
        self._event(f"response.{self._open[1]}.done", **self._where(), **told)
        self._event("response.content_part.done", **self._where(), part=part)
        item = self._items[-1]
        self._items[-1] = {**item, "content": [*item["content"], part]}
        self._text, self._logprobs = "", []

    def _close_call(self, call: ToolCall) -> None:
        kind = "response.function_call_arguments.done"
        self._event(kind, **self._place(), name=call.name, arguments=self._text)
        self._items[-1] = call_item(self._bare, call._replace(arguments=self._text))

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._items[-1]["id"], "output_index": len(self._items) - 1}

    def _where(self) -> dict[str, Any]:
        return {**self._place(), "content_index": self._part}

    def _event(self, kind: str, **fields: Any) -> None:
        self._events.append(_event(kind, self._number, fields))
        self._number += 1

    def _take(self) -> bytes:
        events, self._events = self._events, []
        return b"".join(events)


def response_failed_event(
    response: Mapping[str, Any], failure: ProviderFailure, sequence_number: int
) -> bytes:
    """The one event that ends a broken stream in this dialect."""
    failed = {**response, **response_failure(failure)}
    return _event("response.failed", sequence_number, {"response": failed})


def _event(kind: str, sequence_number: int, fields: Mapping[str, Any]) -> bytes:
    data = orjson.dumps({"type": kind, "sequence_number": sequence_number, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"
