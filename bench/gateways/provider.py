"""A provider that costs next to nothing: bytes made beforehand, on one loop, without a framework.

`python -m bench.gateways.provider PORT`. It reads just enough of HTTP/1.1 to know where a request
ends, keeps connections open, and answers every POST as OpenAI's chat completions would.
"""

import asyncio
import gc
import re
import sys
from typing import cast

import uvloop

from bench.gateways.payloads import chat_reply, stream_events

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_STREAM = re.compile(rb'"stream": ?true')
_USAGE = re.compile(rb'"include_usage": ?true')
_PACE = re.compile(rb"pace=(\d+)us")
_JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)


def plain_answer() -> bytes:
    body = chat_reply()
    return _JSON_HEAD + f"content-length: {len(body)}\r\n\r\n".encode() + body


def stream_answer(*, has_usage: bool) -> tuple[bytes, ...]:
    """The writes of a streamed answer: headers with the first event, an event each, the end."""
    first, *events, done = [
        f"{len(event):x}\r\n".encode() + event + b"\r\n"
        for event in stream_events(has_usage=has_usage)
    ]
    return (_STREAM_HEAD + first, *events, done + b"0\r\n\r\n")


_PLAIN = plain_answer()
_STREAMS = {has_usage: stream_answer(has_usage=has_usage) for has_usage in (False, True)}


class Provider(asyncio.Protocol):
    """One connection; requests on it are answered in turn."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._received and (end := request_end(self._received)):
            request, self._received = self._received[:end], self._received[end:]
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        if not _STREAM.search(request):
            self._transport.write(_PLAIN)
            return
        pace = _PACE.search(request)
        writes = _STREAMS[bool(_USAGE.search(request))]
        self._write(writes, 0, int(pace[1]) / 1e6 if pace else 0.0, self._loop.time())

    def _write(self, writes: tuple[bytes, ...], number: int, pace_s: float, started: float) -> None:
        """Each write is one turn of the loop, so that it leaves on its own."""
        if self._transport.is_closing():
            return
        self._transport.write(writes[number])
        number += 1
        if number == len(writes):
            return
        if pace_s:
            self._loop.call_at(
                started + number * pace_s, self._write, writes, number, pace_s, started
            )
        else:
            self._loop.call_soon(self._write, writes, number, pace_s, started)


def request_end(received: bytes) -> int:
    """Where the first request ends; 0 while it is not complete."""
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return 0
    head, body = received[:head_end], head_end + 4
    if length := _LENGTH.search(head):
        end = body + int(length[1])
        return end if len(received) >= end else 0
    if _CHUNKED.search(head):
        last = received.find(b"\r\n0\r\n\r\n", body)
        return last + 7 if last >= 0 else 0
    return body


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(
        Provider, "127.0.0.1", port, backlog=1024
    )
    gc.freeze()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
