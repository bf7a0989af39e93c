"""Server-sent events, parsed as they arrive.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import re
from typing import NamedTuple

from providers.protocols.failures import bad_reply

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""A streamed image is one event of several megabytes; nothing else comes near."""

_BOM = b"\xef\xbb\xbf"
_END_OF_LINE = re.compile(rb"\r\n|\n|\r")
# Atomic groups: the regex must not take \r\n for two ends of line when a third is missing.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")


class Event(NamedTuple):
    """One event. `data` is None where there was none, as in a comment that keeps a line open.

    `raw` is exactly what arrived, its blank line included: the events of a stream, joined, are the
    stream.
    """

    raw: bytes
    data: bytes | None
    name: bytes = b"message"


class EventParser:
    """Cuts a stream of bytes into events, wherever the chunks were cut.

    Raises ProviderError (bad_reply) when an event grows beyond `max_event_bytes`.
    """

    __slots__ = ("_is_first", "_max_event_bytes", "_rest")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._rest = bytearray()
        self._is_first = True
        self._max_event_bytes = max_event_bytes

    @property
    def rest(self) -> bytes:
        """What has arrived of an event that is not complete."""
        return bytes(self._rest)

    def feed(self, chunk: bytes) -> list[Event]:
        if self._is_first or self._rest:
            return self._feed_slowly(chunk)
        blank = b"\n\n"
        if b"\r" in chunk:
            # Google ends its lines like this, and all of them.
            if not chunk.count(b"\r\n") == chunk.count(b"\r") == chunk.count(b"\n"):
                return self._feed_slowly(chunk)
            blank = b"\r\n\r\n"
        *blocks, rest = chunk.split(blank)
        self._keep(rest)
        return [_event(block + blank, block) for block in blocks]

    def _feed_slowly(self, chunk: bytes) -> list[Event]:
        # A blank line may have begun in the last three bytes that were searched before.
        searched = max(0, len(self._rest) - 3)
        self._rest += chunk
        events = []
        start = 0
        for end in _BLANK_LINE.finditer(self._rest, searched):
            if end[0] == b"\r\n\r" and end.end() == len(self._rest):
                break  # The \n of this \r is still on its way.
            raw = bytes(self._rest[start : end.end()])
            events.append(_event(raw, self._without_bom(raw[: end.start() - start])))
            start = end.end()
        rest = bytes(self._rest[start:])
        self._rest.clear()
        self._keep(rest)
        return events

    def _without_bom(self, block: bytes) -> bytes:
        if not self._is_first:
            return block
        self._is_first = False
        return block.removeprefix(_BOM)

    def _keep(self, rest: bytes) -> None:
        if len(rest) > self._max_event_bytes:
            raise bad_reply(f"an event of the stream exceeds {self._max_event_bytes} bytes")
        self._rest += rest


def _event(raw: bytes, block: bytes) -> Event:
    if block.startswith(b"data: ") and b"\n" not in block and b"\r" not in block:
        return Event(raw, block[6:])
    name, lines = b"message", []
    for line in _END_OF_LINE.split(block):
        field, _, value = line.partition(b":")
        if field == b"data":
            lines.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return Event(raw, b"\n".join(lines) if lines else None, name)
