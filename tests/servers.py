"""An early pytest plugin: real PostgreSQL and Valkey, up before Django's settings are read.

pyproject.toml loads it with `-p`: a conftest.py comes too late. The servers live in a temporary
folder for one run of pytest, and end with it, also when it fails or is killed.
"""

import atexit
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from llmhub.embedded.ports import free_port
from llmhub.embedded.postgres import Postgres
from llmhub.embedded.processes import Process, Program, process_start
from llmhub.embedded.processes import wait_ready as process_wait_ready
from llmhub.embedded.valkey import Valkey


@dataclass
class Folder:
    """A temporary data folder, and the processes that were started on it."""

    path: Path
    processes: list[Process] = field(default_factory=list)

    def start(self, program: Program) -> Process:
        for name in ("run", "log"):
            (self.path / name).mkdir(mode=0o700, exist_ok=True)
        process = process_start(program, run_dir=self.path / "run", log_dir=self.path / "log")
        self.processes.append(process)
        return process

    def run(self, program: Program) -> None:
        """Run a program to its end."""
        process = self.start(program)
        while process.exit_code() is None:
            time.sleep(0.01)
        assert process.exit_code() == 0, process.last_words()

    def close(self) -> None:
        """End the processes and remove the files, wherever PostgreSQL's were put."""
        while self.processes:
            self.processes.pop().kill()
        shutil.rmtree((self.path / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)


def folder_make() -> Folder:
    """A folder that PostgreSQL reaches, also where root runs the tests and it runs as another."""
    path = Path(tempfile.mkdtemp(prefix="llm-hub-test-"))
    path.chmod(0o711)
    return Folder(path)


def servers_start(folder: Folder) -> dict[str, str]:
    """Start both servers; gives the environment that points to them."""
    postgres = Postgres(
        folder.path / "postgres",
        port=free_port(),
        password=secrets.token_urlsafe(16),
        max_connections=300,
    )
    valkey = Valkey(folder.path / "valkey", port=free_port(), password=secrets.token_urlsafe(16))
    valkey.prepare()
    cache = folder.start(valkey.program(is_durable=False))
    postgres.prepare(folder.run, is_durable=False)
    database = folder.start(postgres.program(is_durable=False))
    process_wait_ready(database, partial(postgres.is_ready, database.pid), timeout_s=60)
    process_wait_ready(cache, valkey.is_ready, timeout_s=60)
    return {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": valkey.url,
        "FERNET_KEYS": Fernet.generate_key().decode(),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "HUB_EGRESS_ALLOW": "127.0.0.0/8,::1/128",
        "HUB_DATA_DIR": str(folder.path),
    }


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """A wrapper runs before pytest-django's own hook, which reads the settings."""
    folder = folder_make()
    atexit.register(folder.close)
    early_config.add_cleanup(folder.close)
    for name in [name for name in os.environ if is_ours(name)]:
        del os.environ[name]
    os.environ.update(servers_start(folder))
    yield


def is_ours(name: str) -> bool:
    """Whether a variable of the caller's shell would change what the tests see."""
    base = name.removesuffix("_FILE")
    return base.startswith("HUB_") or base in {
        "DATABASE_URL",
        "REDIS_URL",
        "FERNET_KEYS",
        "SECRET_KEY",
    }
