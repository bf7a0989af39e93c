"""The load: connections that each send the next call as soon as the answer to the last is there.

`python -m bench.gateways.load` takes jobs as JSON lines and gives results as JSON lines. It runs in
a process of its own, counts its own CPU time, and reads the CPU time of the processes that it is
told to watch at the very edges of the measured window.
"""

import asyncio
import gc
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import uvloop

from bench.figures import percentile
from bench.processes import cpu_s, machine_busy_s

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END_OF_CHUNKS = b"0\r\n\r\n"
_EVENT = b"data: "
_DONE = b"data: [DONE]"


@dataclass(frozen=True)
class Job:
    """`watch` are process ids by group. `call` is sent as latin-1 text."""

    port: int
    call: str
    connections: int
    warm_s: float
    measure_s: float
    is_stream: bool
    watch: Mapping[str, list[int]] = field(default_factory=dict)


@dataclass
class Result:
    """Times in seconds. `cpu_s` has the load's own under `load`, and under `strangers` what the
    machine did besides all that is watched."""

    calls: int
    failures: int
    events: int
    reads: int
    wall_s: float
    latency_s: dict[str, float]
    first_event_s: dict[str, float]
    cpu_s: dict[str, float]
    first_failure: str = ""


class Tally:
    """What the connections have seen since the window opened."""

    def __init__(self) -> None:
        self.is_open = False
        self.latencies: list[float] = []
        self.first_events: list[float] = []
        self.events = 0
        self.reads = 0
        self.failures = 0
        self.first_failure = ""

    def fail(self, what: str) -> None:
        self.failures += 1
        self.first_failure = self.first_failure or what


class Connection(asyncio.Protocol):
    def __init__(self, job: Job, call: bytes, tally: Tally) -> None:
        self._job = job
        self._call = call
        self._tally = tally
        self._is_ending = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def end(self) -> None:
        self._is_ending = True
        self._transport.abort()

    def _send(self) -> None:
        self._head = b""
        self._is_in_body = False
        self._left: int | None = None
        self._tail = b""
        self._is_first = True
        self._is_done = not self._job.is_stream
        self._sent = time.perf_counter()
        self._transport.write(self._call)

    def data_received(self, data: bytes) -> None:
        if not self._is_in_body:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            data = self._read_head(end)
        if self._left is not None:
            self._left -= len(data)
            if self._job.is_stream and data:
                self._count(data)
            if self._left <= 0:
                self._finish()
            return
        if data:
            self._tail = (self._tail + data)[-len(_END_OF_CHUNKS) :]
            self._count(data)
            if self._tail == _END_OF_CHUNKS:
                self._finish()

    def _read_head(self, end: int) -> bytes:
        """Gives what came of the body."""
        head, body = self._head[:end], self._head[end + 4 :]
        self._is_in_body = True
        length = _LENGTH.search(head)
        self._left = int(length[1]) if length else None
        if head[9:12] != b"200":
            self._tally.fail((head[:200] + b" ... " + body[:300]).decode("latin-1"))
        return body

    def _count(self, data: bytes) -> None:
        if not self._job.is_stream:
            return
        events = data.count(_EVENT)
        if self._is_first and events:
            self._is_first = False
            if self._tally.is_open:
                self._tally.first_events.append(time.perf_counter() - self._sent)
        if _DONE in data:
            self._is_done = True
            events -= 1
        if self._tally.is_open:
            self._tally.events += events
            self._tally.reads += 1

    def _finish(self) -> None:
        if self._tally.is_open:
            self._tally.latencies.append(time.perf_counter() - self._sent)
        if not self._is_done:
            self._tally.fail("a stream without its end")
        if not self._is_ending:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_ending:
            self._tally.fail(f"the connection was closed: {exc!r}")


async def run(job: Job) -> Result:
    loop, tally = asyncio.get_running_loop(), Tally()
    call = job.call.encode("latin-1")
    connections = []
    for _ in range(job.connections):
        _, connection = await loop.create_connection(
            lambda: Connection(job, call, tally), "127.0.0.1", job.port
        )
        connections.append(connection)
    await asyncio.sleep(job.warm_s)
    watch = {**job.watch, "load": [os.getpid()]}
    before = _cpu_s(watch)
    started = time.perf_counter()
    tally.is_open = True
    await asyncio.sleep(job.measure_s)
    tally.is_open = False
    wall_s = time.perf_counter() - started
    used = {name: seconds - before[name] for name, seconds in _cpu_s(watch).items()}
    for connection in connections:
        connection.end()
    return Result(
        calls=len(tally.latencies),
        failures=tally.failures,
        events=tally.events,
        reads=tally.reads,
        wall_s=wall_s,
        latency_s=_spread(tally.latencies),
        first_event_s=_spread(tally.first_events),
        cpu_s=used,
        first_failure=tally.first_failure,
    )


def _cpu_s(watch: Mapping[str, list[int]]) -> dict[str, float]:
    used = {name: cpu_s(pids) for name, pids in watch.items()}
    return used | {"strangers": machine_busy_s() - sum(used.values())}


def _spread(values: list[float]) -> dict[str, float]:
    values.sort()
    return {f"p{share}": percentile(values, share) for share in (50, 95, 99)} if values else {}


def main() -> None:
    gc.disable()
    for line in sys.stdin:
        content: dict[str, Any] = json.loads(line)
        result = uvloop.run(run(Job(**content)))
        print(json.dumps(asdict(result)), flush=True)
        gc.collect()


if __name__ == "__main__":
    main()
