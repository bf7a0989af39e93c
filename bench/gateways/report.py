"""The figures of a run: medians over the rounds, as tables for people and as JSON."""

import json
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import median
from bench.gateways.load import Result
from bench.gateways.rounds import CHATS, STREAM_ALONE, STREAM_FAST, STREAM_PACED, Results
from llmhub.config import ROOT

Figure = Callable[[Result], float | None]
RESULTS = ROOT / "bench" / "results"


def rate(result: Result) -> float:
    """Answers a second."""
    return result.calls / result.wall_s


def event_rate(result: Result) -> float:
    return result.events / result.wall_s


def latency_ms(share: int) -> Figure:
    return lambda result: _ms(result.latency_s, share)


def first_event_ms(share: int) -> Figure:
    return lambda result: _ms(result.first_event_s, share)


def cpu_us(group: str) -> Figure:
    """CPU time of a group of processes for each answer."""
    return lambda result: _each(result.cpu_s.get(group), result.calls)


def cpu_event_us(group: str) -> Figure:
    """CPU time of a group for each event of the streams that reached the load."""
    return lambda result: _each(result.cpu_s.get(group), result.events)


def reads_an_event(result: Result) -> float | None:
    """1.0: each chunk came on its own. Below, some had been joined on the way."""
    return result.reads / result.events if result.events else None


def busy(group: str) -> Figure:
    """The share of one core that a group used."""
    return lambda result: 100 * result.cpu_s.get(group, 0.0) / result.wall_s


def _ms(spread: dict[str, float], share: int) -> float | None:
    return spread[f"p{share}"] * 1000 if spread else None


def _each(seconds: float | None, count: int) -> float | None:
    return None if seconds is None or not count else seconds / count * 1e6


class Report:
    """Writes what a run found."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def figure(self, contender: str, cell: str, figure: Figure) -> float | None:
        return median(figure(result) for result in self._results[contender][cell])

    def text(self) -> str:
        return "\n\n".join([*map(self._chat, (c.name for c in CHATS)), self._streams()])

    def _chat(self, cell: str) -> str:
        columns: dict[str, Figure] = {
            "req/s": rate,
            "p50 ms": latency_ms(50),
            "p95 ms": latency_ms(95),
            "p99 ms": latency_ms(99),
            "CPU us": cpu_us("gateway"),
            "valkey us": cpu_us("valkey"),
            "ledger us": cpu_us("ledger"),
            "provider us": cpu_us("provider"),
            "load us": cpu_us("load"),
            "busy: gateway %": busy("gateway"),
            "provider %": busy("provider"),
            "load %": busy("load"),
            "strangers %": busy("strangers"),
        }
        return f"{cell} connection(s), 1 KB in, 1 KB out\n" + self._table(cell, columns)

    def _streams(self) -> str:
        alone: dict[str, Figure] = {
            "first p50 ms": first_event_ms(50),
            "first p95 ms": first_event_ms(95),
            "first p99 ms": first_event_ms(99),
            "strangers %": busy("strangers"),
        }
        flowing: dict[str, Figure] = {
            "streams/s": rate,
            "chunks/s": event_rate,
            "CPU us a chunk": cpu_event_us("gateway"),
            "provider us": cpu_event_us("provider"),
            "load us": cpu_event_us("load"),
            "reads a chunk": reads_an_event,
            "first p50 ms": first_event_ms(50),
            "first p99 ms": first_event_ms(99),
            "busy: gateway %": busy("gateway"),
            "strangers %": busy("strangers"),
        }
        tables = [(STREAM_ALONE.name, alone), (STREAM_PACED.name, flowing)]
        tables.append((STREAM_FAST.name, flowing))
        return "\n\n".join(
            f"{cell}, 100 chunks\n" + self._table(cell, columns) for cell, columns in tables
        )

    def _table(self, cell: str, columns: dict[str, Figure]) -> str:
        rows = [
            [name, *(show(self.figure(name, cell, figure)) for figure in columns.values())]
            for name in self._results
        ]
        return table(["", *columns], rows)

    def ratios(self, hub: str, peers: Sequence[str]) -> str:
        """The hub against each peer: CPU as a fraction, throughput as a multiple."""
        cells = [c.name for c in CHATS]
        rows = [
            [
                peer,
                *(show(self._ratio(hub, peer, cell, cpu_us("gateway")), 3) for cell in cells),
                *(show(self._ratio(hub, peer, cell, rate), 2) for cell in cells),
                show(self._ratio(hub, peer, STREAM_PACED.name, cpu_event_us("gateway")), 3),
                show(self._ratio(hub, peer, STREAM_FAST.name, rate), 2),
            ]
            for peer in peers
        ]
        heads = [f"{what} {c.connections}" for what in ("CPU", "req/s") for c in CHATS]
        heads += ["CPU a chunk", "streams/s"]
        return f"{hub} / peer\n" + table(["", *heads], rows)

    def _ratio(self, hub: str, peer: str, cell: str, figure: Figure) -> float | None:
        """The median of the rounds' own ratios: both were measured under much the same noise."""
        pairs = zip(self._results[hub][cell], self._results[peer][cell], strict=True)
        values = ((figure(ours), figure(theirs)) for ours, theirs in pairs)
        return median(None if not a or not b else a / b for a, b in values)

    def added_ms(self, contender: str) -> dict[str, float | None]:
        """What a contender adds to a direct call, at one connection, medians of p50."""
        pairs = {
            "latency p50": (CHATS[0].name, latency_ms(50)),
            "first chunk p50": (STREAM_ALONE.name, first_event_ms(50)),
        }
        added: dict[str, float | None] = {}
        for name, (cell, figure) in pairs.items():
            ours, bare = (self.figure(who, cell, figure) for who in (contender, "direct"))
            added[name] = None if ours is None or bare is None else ours - bare
        return added

    def raw(self) -> dict[str, Any]:
        return {
            name: {cell: [asdict(result) for result in results] for cell, results in cells.items()}
            for name, cells in self._results.items()
        }


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join(f"  {_aligned(line, widths)}" for line in lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    """The first cell to the left, the others to the right."""
    pairs = zip(line[1:], widths[1:], strict=True)
    return line[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}" for cell, width in pairs)


def show(value: float | None, digits: int | None = None) -> str:
    if value is None:
        return "-"
    if digits is None:
        digits = 0 if value >= 1000 else 1 if value >= 10 else 2
    return f"{value:.{digits}f}"


def write(content: dict[str, Any]) -> Path:
    """Keep a run's figures, each round's, under bench/results."""
    RESULTS.mkdir(exist_ok=True)
    moment = datetime.now(UTC)
    machine = {"system": platform.platform(), "python": platform.python_version()}
    path = RESULTS / f"gateways-{moment:%Y%m%d-%H%M%S}.json"
    whole = {"at": moment.isoformat(), "machine": machine, **content}
    path.write_text(json.dumps(whole, indent=1))
    return path
