"""Callers that go on whatever happens, and note what they were answered."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

CHAT = "/v1/chat/completions"
BROKEN = (OSError, http.client.HTTPException, ValueError)
"""What a caller sees of a hub that was killed: no connection, half an answer."""


@dataclass
class Notes:
    """What the callers saw. `acknowledged` holds the ids of the answers that were whole."""

    acknowledged: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: str, request_id: str, took_s: float) -> None:
        with self._lock:
            self.statuses[status] += 1
            self.slowest_s = max(self.slowest_s, took_s)
            if status == "200":
                self.acknowledged.append(request_id)

    @property
    def server_errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status.startswith("5"))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(port: int, token: str, body: Mapping[str, Any], path: str = CHAT) -> Answer:
    """One whole answer. Raises what is in BROKEN."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with _Closing(connection):
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        reply = connection.getresponse()
        content = reply.read()
        named = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, named, content)


def chat(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], **more}


def keep_calling(
    make_call: Callable[[], Answer], *, calls: int, per_second: float, at_once: int = 8
) -> Notes:
    """Make the calls at a steady pace; what breaks is noted and not repeated."""
    notes = Notes()

    def one() -> None:
        started = time.monotonic()
        try:
            answer = make_call()
        except BROKEN:
            notes.add("no answer", "", time.monotonic() - started)
        else:
            request_id = answer.headers.get("x-request-id", "")
            notes.add(str(answer.status), request_id, time.monotonic() - started)

    with ThreadPoolExecutor(at_once) as pool:
        starts = time.monotonic()
        for number in range(calls):
            time.sleep(max(0.0, starts + number / per_second - time.monotonic()))
            pool.submit(one)
    return notes


class _Closing:
    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection

    def __enter__(self) -> None: ...

    def __exit__(self, *exc_info: object) -> None:
        with suppress(OSError):
            self._connection.close()


def open_stream(port: int, token: str, body: Mapping[str, Any]) -> Generator[bytes]:
    """The lines of a streamed answer; closing the iterator hangs up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        connection.request("POST", CHAT, json.dumps({**body, "stream": True}), headers)
        reply = connection.getresponse()
        yield reply.headers["x-request-id"].encode()
        while line := reply.readline():
            yield line
    finally:
        connection.close()
