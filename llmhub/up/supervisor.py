"""Keeps the hub's processes running, and stops them in an order that loses nothing."""

import time
from pathlib import Path

from llmhub.embedded.errors import StartFailed
from llmhub.embedded.processes import Pause, Process, Program, log_trim, process_run, process_start
from llmhub.up.progress import say
from llmhub.up.stop_signals import StopRequested

# Those that others lean on stop last. Web first, so that open requests still find everything.
STOP_ORDER = (("web",), ("worker", "beat", "prepare"), ("model",), ("valkey",), ("postgres",))
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
_SETTLED_S = 60
_WATCH_S = 1.0


class Supervisor:
    """The children by name. One that ends while it is watched is started anew."""

    def __init__(self, data_dir: Path) -> None:
        self._run_dir = data_dir / "run"
        self._log_dir = data_dir / "log"
        self._processes: dict[str, Process] = {}
        self._backoff_s: dict[str, float] = {}
        self._due_at: dict[str, float] = {}

    def start(self, program: Program, *, has_output: bool = False) -> Process:
        """Raises StartFailed."""
        process = process_start(
            program, run_dir=self._run_dir, log_dir=self._log_dir, has_output=has_output
        )
        self._processes[program.name] = process
        return process

    def process(self, name: str) -> Process:
        return self._processes[name]

    def run(self, program: Program, pause: Pause) -> None:
        """Run a program to its end; raises StartFailed when it fails."""
        process_run(program, run_dir=self._run_dir, log_dir=self._log_dir, pause=pause)

    def forget(self, process: Process) -> None:
        """A process that was to end has ended."""
        process.wait_stopped()
        del self._processes[process.name]

    def watch(self, pause: Pause) -> None:
        """Restart what dies and keep the logs short, until `pause` raises StopRequested."""
        while True:
            pause(_WATCH_S)
            for name in list(self._processes):
                self._look_after(name)
                log_trim(self._log_dir / f"{name}.log")

    def stop_all(self, pause: Pause) -> None:
        """End every process. A further request to stop makes the rest of it harsher."""
        is_harsh = False
        for names in STOP_ORDER:
            stage = [self._processes.pop(name) for name in names if name in self._processes]
            for process in stage:
                process.ask_to_stop(is_harsh=is_harsh)
            for process in stage:
                is_harsh = _wait(process, pause, is_harsh)

    def _look_after(self, name: str) -> None:
        process = self._processes[name]
        code = process.exit_code()
        if code is None:
            return
        now = time.monotonic()
        if name not in self._due_at:
            self._schedule(process, code, now)
        if now >= self._due_at[name]:
            del self._due_at[name]
            self._restart(process.program)

    def _schedule(self, process: Process, code: int, now: float) -> None:
        name = process.name
        is_settled = now - process.started_at > _SETTLED_S
        before = 0.0 if is_settled else self._backoff_s.get(name, 0.0)
        wait_s = min(max(before * 2, FIRST_BACKOFF_S), LONGEST_BACKOFF_S)
        self._backoff_s[name] = wait_s
        self._due_at[name] = now + wait_s
        how = f"signal {-code}" if code < 0 else f"exit code {code}: {process.last_words()}"
        say(f"{name} ended ({how}); starting it again in {wait_s:.1f} s")

    def _restart(self, program: Program) -> None:
        try:
            self.start(program)
        except StartFailed as error:
            say(f"{program.name} cannot be started: {error}")


def _wait(process: Process, pause: Pause, is_harsh: bool) -> bool:
    """Wait for the end of a process that was asked to; gives whether to be harsh from here on."""
    if not is_harsh:
        try:
            process.wait_stopped(pause)
        except StopRequested:
            say("Stopping at once")
            process.ask_to_stop(is_harsh=True)
            is_harsh = True
    process.wait_stopped()
    return is_harsh
