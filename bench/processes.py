"""What processes cost, from /proc: CPU time and memory, of a process and all that it started.

Linux alone has it: https://docs.kernel.org/filesystems/proc.html
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Stat:
    """A process's parent, and the CPU time it has used in user and kernel mode."""

    parent: int
    cpu_s: float


def stat_parse(text: str) -> Stat:
    """`/proc/PID/stat`. The name, in parentheses, may itself hold spaces and parentheses."""
    fields = text.rpartition(")")[2].split()
    return Stat(int(fields[1]), (int(fields[11]) + int(fields[12])) / _TICKS_PER_S)


def pss_parse(text: str) -> float:
    """`/proc/PID/smaps_rollup`: megabytes, pages that processes share counted once."""
    lines = (line for line in text.splitlines() if line.startswith("Pss:"))
    return next((int(line.split()[1]) for line in lines), 0) * 1024 / 1e6


def tree(roots: Iterable[int], but: Iterable[int] = ()) -> set[int]:
    """The processes and all below them, save those of `but` and what is below these."""
    children: dict[int, list[int]] = {}
    for path in PROC.glob("[0-9]*/stat"):
        if text := _read(path):
            children.setdefault(stat_parse(text).parent, []).append(int(path.parent.name))
    found: set[int] = set()
    left = set(roots) - set(but)
    while left:
        pid = left.pop()
        found.add(pid)
        left.update(set(children.get(pid, ())) - found - set(but))
    return found


def cpu_s(pids: Iterable[int]) -> float:
    return sum(stat_parse(text).cpu_s for pid in pids if (text := _read(PROC / f"{pid}/stat")))


def machine_busy_s() -> float:
    """CPU time that anything has used on this machine: `/proc/stat`, all but idle and waiting."""
    fields = [int(text) for text in (PROC / "stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / _TICKS_PER_S


def pss_mb(pids: Iterable[int]) -> float:
    return sum(pss_parse(_read(PROC / f"{pid}/smaps_rollup")) for pid in pids)


def _read(path: Path) -> str:
    """Nothing for a process that is gone."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
