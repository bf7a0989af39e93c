"""The rounds: in each, every contender in turn under every kind of load, the others standing still.

What is measured close together is disturbed alike, so ratios within a run say more than figures.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.gateways.contender import Contender, Server
from bench.gateways.load import Job, Result
from bench.processes import pss_mb


@dataclass(frozen=True)
class Cell:
    """A kind of load. `pace_us` is the provider's pause between two chunks; 0: none."""

    name: str
    connections: int
    is_stream: bool = False
    pace_us: int = 0


CHATS = (Cell("chat 1", 1), Cell("chat 16", 16), Cell("chat 64", 64))
STREAM_ALONE = Cell("stream 1", 1, is_stream=True, pace_us=1_000)
STREAM_PACED = Cell("stream 16, a chunk every 10 ms", 16, is_stream=True, pace_us=10_000)
STREAM_FAST = Cell("stream 16, as fast as it goes", 16, is_stream=True)
STREAMS = (STREAM_ALONE, STREAM_PACED, STREAM_FAST)


@dataclass(frozen=True)
class Effort:
    """How much is measured. Times in seconds."""

    rounds: int
    warm_s: float
    measure_s: float
    starts: int


FULL = Effort(rounds=5, warm_s=0.7, measure_s=3.0, starts=3)
QUICK = Effort(rounds=2, warm_s=0.4, measure_s=1.2, starts=1)


class LoadGenerator:
    """The process that sends the calls; it lives for the whole run."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "bench.gateways.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, job: Job) -> Result:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.write(json.dumps(asdict(job)) + "\n")
        self._popen.stdin.flush()
        line = self._popen.stdout.readline()
        if not line:
            raise RuntimeError("the load generator has ended")
        content: dict[str, Any] = json.loads(line)
        return Result(**content)

    def close(self) -> None:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.close()
        self._popen.wait(10)
        self._popen.stdout.close()


Results = dict[str, dict[str, list[Result]]]
"""By contender and cell: a result for each round."""


def rounds_run(
    contenders: Sequence[Contender],
    cells: Sequence[Cell],
    effort: Effort,
    provider: Server,
    load: LoadGenerator,
) -> Results:
    """All contenders have been started and answer. Raises RuntimeError for a call that fails."""
    results: Results = {c.name: {cell.name: [] for cell in cells} for c in contenders}
    _pause(contenders)
    for number in range(effort.rounds):
        for contender in contenders:
            print(f"  round {number + 1} of {effort.rounds}: {contender.name}", flush=True)
            _wake(contender)
            for cell in cells:
                result = measure(contender, cell, effort, provider, load)
                results[contender.name][cell.name].append(result)
            _pause([contender])
    for contender in contenders:
        _wake(contender)
    return results


def measure(
    contender: Contender, cell: Cell, effort: Effort, provider: Server, load: LoadGenerator
) -> Result:
    assert contender.address is not None
    call = contender.address.call(stream=cell.is_stream, pace_us=cell.pace_us)
    contender.before()
    job = Job(
        port=contender.address.port,
        call=call.decode("latin-1"),
        connections=cell.connections,
        warm_s=effort.warm_s,
        measure_s=effort.measure_s,
        is_stream=cell.is_stream,
        watch=contender.watch() | {"provider": [provider.pid]},
    )
    result = load.run(job)
    contender.after()
    if result.failures:
        what = f"{result.failures} calls of {contender.name} failed in {cell.name}"
        raise RuntimeError(f"{what}: {result.first_failure}")
    return result


def memory_mb(contender: Contender) -> dict[str, float]:
    """Proportional set size by group of processes."""
    return {name: round(pss_mb(pids), 1) for name, pids in contender.watch().items()}


def _pause(contenders: Iterable[Contender]) -> None:
    """Standing still: background work of one would be counted as disturbance of another."""
    for contender in contenders:
        if contender.server is not None:
            contender.server.pause()


def _wake(contender: Contender) -> None:
    if contender.server is not None:
        contender.server.go_on()
