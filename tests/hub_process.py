"""A real `python -m llmhub.up` on a temporary folder, for tests to stop, kill and start again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from llmhub.config import ROOT
from llmhub.embedded.ports import free_port
from tests.servers import Folder, folder_make, is_ours
from tests.waiting import wait_until

START_TIMEOUT_S = 120


class HubProcess:
    """One hub: `start()`, then `hub` is the content of its hub.json."""

    def __init__(self, **environment: str) -> None:
        self.folder: Folder = folder_make()
        self.port = free_port()
        self.hub: dict[str, Any] = {}
        self._environment = environment
        self._output = self.folder.path / "output.txt"
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def data_dir(self) -> Path:
        return self.folder.path / "hub data"  # a space, as on many a machine

    @property
    def hub_file(self) -> Path:
        return self.data_dir / "hub.json"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """What the last start has said so far."""
        return self._output.read_text(encoding="utf-8")

    @property
    def popen(self) -> subprocess.Popen[bytes]:
        assert self._popen is not None, "not started"
        return self._popen

    @property
    def is_running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    @property
    def environment(self) -> dict[str, str]:
        """What a command beside this hub needs, such as `manage.py check_hub`."""
        others = {name: text for name, text in os.environ.items() if not is_ours(name)}
        return {
            **others,
            "HUB_DATA_DIR": str(self.data_dir),
            "HUB_PORT": str(self.port),
            **self._environment,
        }

    def launch(self) -> None:
        """Start it, and do not wait."""
        with self._output.open("wb") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "llmhub.up"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def start(self) -> None:
        """Start it and wait until it is ready; a hub that runs already is left alone."""
        if self.is_running:
            return
        self.launch()
        wait_until(
            lambda: self._is_ready() or not self.is_running,
            timeout_s=START_TIMEOUT_S,
            what="hub.json",
        )
        assert self.is_running, self.output

    def _is_ready(self) -> bool:
        """Whether hub.json is there and of this start: a killed hub leaves its own behind."""
        try:
            self.hub = json.loads(self.hub_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return False
        return bool(self.hub["pid"] == self.popen.pid)

    def run_to_end(self) -> int:
        """For a start that is to fail: its exit code."""
        self.launch()
        return self.popen.wait(START_TIMEOUT_S)

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop, and wait; gives the exit code."""
        self.popen.send_signal(signum)
        return self.popen.wait(START_TIMEOUT_S)

    def processes(self) -> dict[int, str]:
        """The hub's process and all below it, with their command lines."""
        if self._popen is None:
            return {}
        return _family(self._popen.pid)

    def kill_everything(self) -> None:
        """What a power cut does: no process gets to say goodbye."""
        pids = list(self.processes())
        for pid in pids:
            kill_quietly(pid)
        self.popen.wait(START_TIMEOUT_S)
        wait_until(lambda: not any(map(is_alive, pids)), what="killed processes to be gone")

    def close(self) -> None:
        if self.is_running:
            self.kill_everything()
        data = (self.data_dir / "postgres").resolve()
        self.folder.close()
        Folder(data).close()


def is_alive(pid: int) -> bool:
    return pid in _table()


def kill_quietly(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _family(root: int) -> dict[int, str]:
    table = _table()
    family = {root} & table.keys()
    while True:
        more = {pid for pid, (parent, _) in table.items() if parent in family} - family
        if not more:
            return {pid: table[pid][1] for pid in family}
        family |= more


def _table() -> dict[int, tuple[int, str]]:
    """Every process that is not a zombie: its parent and its command line."""
    argv = ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="]
    listed = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    rows = [line.split(None, 3) for line in listed.splitlines()]
    return {int(r[0]): (int(r[1]), r[3]) for r in rows if len(r) > 3 and not r[2].startswith("Z")}
