"""Pid files that cannot lie: what a killed supervisor left running is found and ended.

A child inherits the open pid file with a lock on it. The lock falls when the child, and whatever
it started, is gone, however it ended. So a locked file names a process of ours, and an unlocked
one names nobody: a number that the system has given to another process since is never signalled.
"""

import fcntl
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from llmhub.embedded.errors import StartFailed

_POLL_S = 0.02


def pid_file_open(run_dir: Path, name: str) -> int:
    """Open and lock `name.pid`; the descriptor is for the child to inherit.

    Raises StartFailed when a process of that name still runs.
    """
    path = run_dir / f"{name}.pid"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if not _lock(descriptor):
        os.close(descriptor)
        raise StartFailed(f"Another {name} still runs on {run_dir.parent}.")
    return descriptor


def pid_file_write(descriptor: int, pid: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(pid).encode(), 0)


def leftovers_end(
    run_dir: Path,
    *,
    signals: tuple[tuple[signal.Signals, float], ...],
    pause: Callable[[float], None] = time.sleep,
) -> list[str]:
    """End what a killed supervisor left behind; gives the names of what was still running.

    `signals` are sent one after the other, each with the seconds to wait for its effect. Raises
    StartFailed when a process outlives them all.
    """
    ended = []
    for path in sorted(run_dir.glob("*.pid")):
        if _end(path, signals, pause):
            ended.append(path.stem)
        path.unlink()
    return ended


def _end(
    path: Path,
    signals: tuple[tuple[signal.Signals, float], ...],
    pause: Callable[[float], None],
) -> bool:
    with path.open("r+b") as file:
        if _lock(file.fileno()):
            return False
        for signum, timeout_s in signals:
            _signal(_pid_of(path), signum)
            if _wait_unlocked(file.fileno(), timeout_s, pause):
                return True
    raise StartFailed(f"{path.stem} of an earlier run (process {_pid_of(path)}) cannot be ended.")


def _wait_unlocked(descriptor: int, timeout_s: float, pause: Callable[[float], None]) -> bool:
    deadline = time.monotonic() + timeout_s
    while not _lock(descriptor):
        if time.monotonic() > deadline:
            return False
        pause(_POLL_S)
    return True


def _signal(pid: int, signum: signal.Signals) -> None:
    """Signal the child alone: it leads its session, which tells it from a reused number."""
    try:
        if pid > 0 and os.getsid(pid) == pid:
            os.kill(pid, signum)
    except (ProcessLookupError, PermissionError):
        return


def _pid_of(path: Path) -> int:
    text = path.read_text(encoding="ascii", errors="replace").strip()
    return int(text) if text.isdecimal() else 0


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
