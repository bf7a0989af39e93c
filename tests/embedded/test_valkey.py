import os
import signal

import pytest
import redis

from llmhub.embedded.ports import free_port
from llmhub.embedded.processes import Process, wait_ready
from llmhub.embedded.valkey import Valkey
from tests.servers import Folder
from tests.waiting import wait_until


def _start(folder: Folder) -> tuple[Valkey, Process]:
    server = Valkey(folder.path / "val key", port=free_port(), password="a-password")
    server.prepare()
    process = folder.start(server.program())
    wait_ready(process, server.is_ready, timeout_s=60)
    return server, process


def test_it_refuses_callers_without_the_password(folder: Folder) -> None:
    server, _ = _start(folder)
    with (
        redis.Redis(port=server.port) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_what_it_acknowledged_survives_sigkill(folder: Folder) -> None:
    server, process = _start(folder)
    with redis.Redis.from_url(server.url) as client:
        for number in range(500):
            client.xadd("events", {"n": number})
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: process.exit_code() is not None)
    again, _ = _start(folder)
    with redis.Redis.from_url(again.url) as client:
        assert client.xlen("events") == 500


def test_full_memory_refuses_writes_and_drops_nothing(folder: Folder) -> None:
    server, _ = _start(folder)
    with redis.Redis.from_url(server.url) as client:
        client.set("kept", "1")
        client.config_set("maxmemory", "1mb")
        with pytest.raises(redis.OutOfMemoryError):
            client.set("big", "x" * 2_000_000)
        assert client.get("kept") == b"1"
