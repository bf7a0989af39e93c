"""This hub as it is measured: a whole `make up` with durable servers, and beside it the gateway
alone, as one uvicorn worker, the way production runs it (docs/architecture.md, "Processes")."""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from typing import Any

import redis

from bench.gateways.contender import Address, Contender, Server
from bench.processes import tree
from llmhub.embedded.ports import free_port
from tenants.usage.events import STREAM
from tests.hub_process import HubProcess

COMPATIBLE = "OpenAI-API-Compatible"
DRAIN_TIMEOUT_S = 120


class HubUnderTest:
    """`web` of the same `make up` serves the management API, and no measured call."""

    def __init__(self, provider_port: int) -> None:
        self._provider_port = provider_port
        self._hub = HubProcess(HUB_MODEL="off")
        self.switched_on: dict[str, str] = {}

    def open(self) -> None:
        self._hub.start()
        self._written = json.loads((self._hub.data_dir / "run/environment.json").read_text())
        self._valkey = redis.Redis.from_url(self._written["REDIS_URL"])
        model = {
            "llm_factory": COMPATIBLE,
            "llm_name": "bench",
            "model_type": "chat",
            "api_key": "sk-bench",
            "api_base": f"http://127.0.0.1:{self._provider_port}/v1",
        }
        status, answer = self._manage("POST", "add_llm", model)
        if status != 200:
            raise RuntimeError(f"the hub does not take the model: {status} {answer}")
        self.switched_on = everything_on(self)

    def close(self) -> None:
        self._hub.close()

    @property
    def environment(self) -> dict[str, str]:
        """What reaches this hub's servers, for commands beside it."""
        return self._hub.environment | {"DJANGO_SETTINGS_MODULE": "llmhub.settings"}

    def contender(
        self, name: str = "hub", *, workers: int = 1, is_ledger_later: bool = False
    ) -> Contender:
        """The gateway's own processes. `is_ledger_later` keeps the worker from taking events out of
        the stream until a measurement is over."""
        port = free_port()
        argv = [sys.executable, "-m", "uvicorn", "gateway.app:application", "--port", str(port)]
        argv += ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
        argv += ["--no-proxy-headers", "--log-level", "warning", "--workers", str(workers)]
        token = self._hub.hub["demo"]["token"]
        address = Address(port, headers={"authorization": f"Bearer {token}"})
        others = {"valkey": self.valkey_pids, "ledger": self.ledger_pids}
        return Contender(
            name,
            lambda: Server(argv, self.environment),
            lambda _: address,
            others=others,
            before=self.drain_pause if is_ledger_later else self.drain_go_on,
            after=self.drain_wait,
        )

    def valkey_pids(self) -> set[int]:
        return tree([self._pid("valkey")])

    def ledger_pids(self) -> set[int]:
        """What takes the events from the stream: the worker, and PostgreSQL under it."""
        return tree([self._pid("worker"), self._pid("postgres")])

    def drain_pause(self) -> None:
        """Let the events wait in the stream, as they do while the worker runs on another machine
        or is behind."""
        self._signal_drain(signal.SIGSTOP)

    def drain_go_on(self) -> None:
        self._signal_drain(signal.SIGCONT)

    def drain_wait(self) -> None:
        """Until the ledger has everything, so that no contender pays for the one before."""
        self.drain_go_on()
        ends_at = time.monotonic() + DRAIN_TIMEOUT_S
        while self._valkey.xlen(STREAM):
            if time.monotonic() > ends_at:
                raise RuntimeError(f"the stream {STREAM} does not empty")
            time.sleep(0.1)

    def _signal_drain(self, number: signal.Signals) -> None:
        for pid in tree([self._pid("worker")]):
            os.kill(pid, number)

    def _pid(self, program: str) -> int:
        return int((self._hub.data_dir / "run" / f"{program}.pid").read_text())

    def _manage(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The management API, as the demo tenant."""
        request = urllib.request.Request(
            f"{self._hub.url}/llm/{path}",
            json.dumps(body).encode() if body is not None else None,
            {
                "authorization": f"Bearer {self._hub.hub['demo']['token']}",
                "content-type": "application/json",
            },
            method=verb,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def offers(self, path: str) -> bool:
        return self._manage("GET", path)[0] != 404


def everything_on(hub: HubUnderTest) -> dict[str, str]:
    """Switch on, for the measured tenant, all that a call can be checked and counted for.

    Gives what was on, in words for the report. Authentication, the configuration's version and
    metering cannot be switched off. Limits and budgets join here with their endpoints; where an
    endpoint exists and this function does not use it the measurement would flatter, so it stops.
    """
    state = {"authentication": "on", "metering": "on"}
    for name in ("limits", "budgets"):
        if hub.offers(name):
            raise RuntimeError(f"/llm/{name} exists: let everything_on set {name}")
        state[name] = "not in this version"
    return state
