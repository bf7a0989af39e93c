"""Streams of JSON objects, one a line. https://github.com/ndjson/ndjson-spec"""

from typing import Any

import orjson

from providers.protocols.failures import bad_reply

MAX_LINE_BYTES = 16 * 1024 * 1024


class LineParser:
    """Cuts a stream of bytes into objects, wherever the chunks were cut.

    Raises ProviderError (bad_reply) for a line that is no object, or grows beyond
    `max_line_bytes`.
    """

    __slots__ = ("_max_line_bytes", "_rest")

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._rest = bytearray()
        self._max_line_bytes = max_line_bytes

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        self._rest += chunk
        if b"\n" not in chunk:
            self._check_length()
            return []
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        self._check_length()
        return [_decoded(line) for line in lines if line.strip()]

    def end(self) -> list[dict[str, Any]]:
        """The last line, which may have no end."""
        rest, self._rest = bytes(self._rest), bytearray()
        return [_decoded(rest)] if rest.strip() else []

    def _check_length(self) -> None:
        if len(self._rest) > self._max_line_bytes:
            raise bad_reply(f"a line of the stream exceeds {self._max_line_bytes} bytes")


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise bad_reply("the stream holds what is not an object")
    return found
