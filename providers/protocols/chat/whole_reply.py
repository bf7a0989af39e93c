"""For providers that do not stream: a whole reply, told to a caller who asked for a stream."""

from collections.abc import Callable, Mapping
from typing import Any

from providers.protocols.chat.chunk_reader import ForeignStream
from providers.protocols.failures import bad_reply
from providers.protocols.usage import UsageReport
from providers.protocols.wire import ChatReply

MAX_REPLY_BYTES = 64 * 1024 * 1024


class WholeReplyReader(ForeignStream):
    """A ChunkReader (see `providers.protocols.wire`): all its chunks come at the end, when the
    body is there as a whole. `parse` is the protocol's `chat_reply`."""

    __slots__ = ("_body", "_is_read", "_parse")

    def __init__(self, parse: Callable[[bytes], ChatReply]) -> None:
        super().__init__()
        self._parse = parse
        self._body = bytearray()
        self._is_read = False

    @property
    def is_done(self) -> bool:
        return self._is_read and self._failure is None

    def _take(self, chunk: bytes, given: list[dict[str, Any]]) -> None:
        self._body += chunk
        if len(self._body) > MAX_REPLY_BYTES:
            raise bad_reply(f"the reply exceeds {MAX_REPLY_BYTES} bytes")

    def _end(self, given: list[dict[str, Any]]) -> None:
        reply = self._parse(bytes(self._body))
        self._usage = UsageReport(reply.usage)
        self._texts.append(reply.text)
        self._writer.begin(reply.completion["id"], reply.completion["model"])
        for choice in reply.completion["choices"]:
            index, finish = choice["index"], choice["finish_reason"]
            given.append(self._writer.chunk(_delta(choice["message"]), index=index))
            given.append(self._writer.chunk({}, finish, index))
        self._is_read = True


def _delta(message: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in message.items() if value is not None}
    if "tool_calls" in said:
        said["tool_calls"] = [{"index": i, **call} for i, call in enumerate(said["tool_calls"])]
    return said
