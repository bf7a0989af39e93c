"""The gateway as a real server on a free port of loopback, in a thread of the test's process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from gateway.app import Application
from tests.waiting import wait_until


@dataclass(frozen=True)
class RunningGateway:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@contextmanager
def running_gateway() -> Iterator[RunningGateway]:
    """One replica; several may run at once."""
    config = uvicorn.Config(
        Application(),
        host="127.0.0.1",
        port=0,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_config=None,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="gateway")
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), timeout_s=20)
        assert server.started, "the gateway did not start"
        yield RunningGateway(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive(), "the gateway did not stop"
