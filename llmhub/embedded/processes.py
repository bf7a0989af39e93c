"""Child processes: spawned with a log and a pid file, stopped without a trace.

A child runs in a session of its own, so a Ctrl-C in the terminal reaches the supervisor alone. On
Linux it gets `orphan_signal` when the supervisor dies. Its pid file stays locked while it lives
(see `leftovers`), which lets the next start find it on any POSIX system.
"""

import ctypes
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from llmhub.embedded.accounts import Account
from llmhub.embedded.errors import StartFailed
from llmhub.embedded.leftovers import pid_file_open, pid_file_write

POLL_S = 0.02
LOG_LIMIT_BYTES = 10_000_000

Pause = Callable[[float], None]
"""Waits for some seconds; the supervisor's own raises when it is told to stop."""


@dataclass(frozen=True)
class Program:
    """What to run: the name is that of its log and its pid file; stdin is fed, then closed."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: str = field(default="", repr=False)
    cwd: Path | None = None
    account: Account | None = None
    pass_fds: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    harsh_signal: signal.Signals = signal.SIGKILL
    orphan_signal: signal.Signals = signal.SIGKILL
    stop_timeout_s: float = 10


class Process:
    """A running child of this process."""

    def __init__(self, program: Program, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.program = program
        self.pid = popen.pid
        self.started_at = time.monotonic()
        self._popen = popen
        self._log = log

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def stdout(self) -> IO[bytes] | None:
        return self._popen.stdout

    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._popen.poll()

    def ask_to_stop(self, *, is_harsh: bool = False) -> None:
        """Send the stop signal, and do not wait."""
        if self.exit_code() is None:
            program = self.program
            self._popen.send_signal(program.harsh_signal if is_harsh else program.stop_signal)

    def wait_stopped(self, pause: Pause = time.sleep) -> None:
        """Wait until it is gone; past its time limit it is killed."""
        deadline = time.monotonic() + self.program.stop_timeout_s
        while self.exit_code() is None and time.monotonic() < deadline:
            pause(POLL_S)
        self.kill()

    def stop(self, pause: Pause = time.sleep) -> None:
        self.ask_to_stop()
        self.wait_stopped(pause)

    def kill(self) -> None:
        """End it and what it started, at once."""
        if self.exit_code() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def last_words(self) -> str:
        """The line of its log that tells best why it stopped."""
        return telling_line(_tail(self._log))


def process_start(
    program: Program, *, run_dir: Path, log_dir: Path, has_output: bool = False
) -> Process:
    """Spawn a program; `has_output` keeps its standard output for the caller to read.

    Raises StartFailed when it cannot be executed.
    """
    log = log_dir / f"{program.name}.log"
    pid_file = pid_file_open(run_dir, program.name)
    try:
        popen = _spawn(program, log, pid_file, has_output)
    except (OSError, subprocess.SubprocessError) as error:
        raise StartFailed(f"Cannot start {program.name}: {error}") from None
    finally:
        os.close(pid_file)
    _feed(popen, program.stdin)
    return Process(program, popen, log)


def process_run(
    program: Program, *, run_dir: Path, log_dir: Path, pause: Pause = time.sleep
) -> None:
    """Run a program to its end; raises StartFailed with its own words when it fails."""
    process = process_start(program, run_dir=run_dir, log_dir=log_dir)
    try:
        while (code := process.exit_code()) is None:
            pause(POLL_S)
    finally:
        process.kill()
    if code != 0:
        raise StartFailed(f"{program.name} failed: {process.last_words()}")


def wait_ready(
    process: Process,
    is_ready: Callable[[], bool],
    *,
    timeout_s: float,
    pause: Pause = time.sleep,
) -> None:
    """Return once `is_ready()`; raises StartFailed when the process ends or time is up."""
    deadline = time.monotonic() + timeout_s
    while not is_ready():
        if process.exit_code() is not None:
            raise StartFailed(f"{process.name} stopped while starting: {process.last_words()}")
        if time.monotonic() > deadline:
            raise StartFailed(
                f"{process.name} is not ready after {timeout_s:.0f} s: {process.last_words()}"
            )
        pause(POLL_S)


def telling_line(text: str) -> str:
    """Of a program's output: a full disk, else the last line that names an error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    full = [line for line in lines if os.strerror(errno.ENOSPC) in line]
    if full:  # what follows from it is noise
        return full[-1]
    marks = ("panic:", "fatal:", "error:", "error ", "failed", "can't", "cannot", "refused")
    for line in reversed(lines):
        if any(mark in line.lower() for mark in marks):
            return line
    return lines[-1] if lines else "it said nothing"


def log_trim(log: Path) -> None:
    """Set a long log aside, keeping one older, so that logs do not fill the disk.

    It is copied and emptied, not renamed: its process goes on writing at the end of the same file.
    """
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        older = log.with_suffix(".log.1")
        older.touch(mode=0o600)
        shutil.copyfile(log, older)
        os.truncate(log, 0)


def _spawn(program: Program, log: Path, pid_file: int, has_output: bool) -> subprocess.Popen[bytes]:
    account = program.account
    with open(log, "ab", opener=_private) as output:
        return subprocess.Popen(  # noqa: S603 - programs of our own, no shell
            program.argv,
            env=dict(program.env),
            cwd=program.cwd,
            stdin=subprocess.PIPE if program.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE if has_output else output,
            stderr=output,
            pass_fds=(pid_file, *program.pass_fds),
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=_before_exec(pid_file, program.orphan_signal),
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _feed(popen: subprocess.Popen[bytes], text: str) -> None:
    if popen.stdin is None:
        return
    try:
        with popen.stdin as stdin:
            stdin.write(text.encode())
    except BrokenPipeError:
        return  # it died already: whoever waits for it sees that


_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def _before_exec(pid_file: int, orphan_signal: signal.Signals) -> Callable[[], None]:
    """What the child does before exec, after it has changed its user, which clears the signal."""
    parent = os.getpid()

    def run() -> None:
        pid_file_write(pid_file, os.getpid())
        if _prctl is None:
            return
        _prctl(_PR_SET_PDEATHSIG, int(orphan_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the call above
            os._exit(1)

    return run


def _tail(log: Path, size: int = 8192) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
