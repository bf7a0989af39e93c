"""What is measured: something that answers chat calls, its processes, and how to call it."""

import http.client
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bench.gateways.payloads import chat_call
from bench.processes import tree
from llmhub.config import ROOT

READY_TIMEOUT_S = 180
_STOP_TIMEOUT_S = 20


@dataclass(frozen=True)
class Address:
    """Where and how a contender is called."""

    port: int
    path: str = "/v1/chat/completions"
    model: str = "bench"
    headers: Mapping[str, str] = field(default_factory=dict)

    def call(self, *, stream: bool = False, pace_us: int = 0) -> bytes:
        return chat_call(
            host=f"127.0.0.1:{self.port}",
            path=self.path,
            model=self.model,
            headers=self.headers,
            stream=stream,
            pace_us=pace_us,
        )


class Server:
    """A child process, with its output in a file."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path = ROOT) -> None:
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 closed by `stop`
        self._popen = subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def output(self) -> str:
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def require_alive(self) -> None:
        if self._popen.poll() is not None:
            raise RuntimeError(f"it ended with {self._popen.returncode}: {self.output()[-2000:]}")

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._popen.poll() is None:
            self.go_on()
            self._popen.terminate()
            try:
                self._popen.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._popen.wait()
        self._output.close()

    def _signal(self, number: signal.Signals) -> None:
        for pid in tree([self.pid]):
            os.kill(pid, number)


@dataclass
class Contender:
    """`launch` starts it; `locate` says where it listens, once it does, and None before.

    `others` are processes that work for it and are counted apart, by group; `before` and `after`
    run around each of its measurements.
    """

    name: str
    launch: Callable[[], Server] | None
    locate: Callable[[Server | None], Address | None]
    others: Mapping[str, Callable[[], set[int]]] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    server: Server | None = None
    address: Address | None = None

    def start(self) -> float:
        """Start it; gives the seconds to the end of the first answered call."""
        if self.launch is None:
            self.address = self.locate(None)
            return 0.0
        started = time.perf_counter()
        self.server = self.launch()
        while time.perf_counter() - started < READY_TIMEOUT_S:
            self.server.require_alive()
            self.address = self.locate(self.server)
            if self.address is not None and is_answering(self.address):
                return time.perf_counter() - started
            time.sleep(0.005)
        raise RuntimeError(f"{self.name} does not answer: {self.server.output()[-2000:]}")

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None

    def watch(self) -> dict[str, list[int]]:
        own = {"gateway": sorted(tree([self.server.pid]))} if self.server else {}
        return own | {name: sorted(pids()) for name, pids in self.others.items()}


def is_answering(address: Address) -> bool:
    """Whether a chat call is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=30)
    body = address.call().partition(b"\r\n\r\n")[2]
    headers = {"content-type": "application/json", **address.headers}
    try:
        connection.request("POST", address.path, body, headers)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
