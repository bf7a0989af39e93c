"""A hub to be hurt: a tenant whose model is a scripted provider, and the books to compare."""

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.e2e.api import LLMApi
from tests.faults.load import Answer, call, chat
from tests.hub_process import HubProcess, is_alive, kill_quietly
from tests.provider_server import ProviderServer, running_provider
from tests.waiting import wait_until

FACTORY = "OpenAI-API-Compatible"
MODEL = f"test-chat@{FACTORY}"
EMBEDDING_MODEL = f"test-embedding@{FACTORY}"
BACK_S = 90


@dataclass
class Standing:
    """`token` is the demo tenant's."""

    hub: HubProcess
    provider: ProviderServer

    @property
    def token(self) -> str:
        return str(self.hub.hub["demo"]["token"])

    @property
    def api(self) -> LLMApi:
        return LLMApi(self.hub.url, self.token)

    def chat(self, **more: Any) -> Answer:
        return call(self.hub.port, self.token, chat(MODEL, **more))

    def kill(self, program: str) -> None:
        """SIGKILL to `web`, `worker`, `beat`, `valkey` or `postgres`."""
        pid = self.pid(program)
        if pid:
            kill_quietly(pid)

    @contextmanager
    def kept_dead(self, program: str) -> Iterator[None]:
        """Killed, and again whenever it is started anew."""
        over = threading.Event()

        def kill_again() -> None:
            while not over.wait(0.01):
                self.kill(program)

        killer = threading.Thread(target=kill_again)
        killer.start()
        wait_until(lambda: not is_alive(self.pid(program)), what=f"{program} to be dead")
        try:
            yield
        finally:
            over.set()
            killer.join()

    def wait_answering(self, program: str) -> None:
        """Until `postgres` or `valkey` takes connections again."""
        from tests.faults.books import port_of

        wait_until(lambda: _takes_connections(port_of(program)), timeout_s=BACK_S, what=program)

    def pid(self, program: str) -> int:
        """0 while it is not running."""
        text = (self.hub.data_dir / "run" / f"{program}.pid").read_text() or "0"
        return int(text)

    def wait_healthy(self) -> float:
        """Until a call is answered; gives the seconds it took."""
        started = time.monotonic()
        while time.monotonic() - started < BACK_S:
            try:
                if self.chat().status == 200:
                    return time.monotonic() - started
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the hub does not answer within {BACK_S} s:\n{self.hub.output}")

    def served(self) -> Counter[str]:
        """The provider's list: how often each request id reached it."""
        return Counter(seen.id for seen in self.provider.seen if "completions" in seen.path)

    def ledger(self, *, at_least: int = 0, within_s: float = 60) -> Counter[str]:
        """The tenant's list: how often each request id stands there. Waits until nothing is left
        on its way and `at_least` ids are there."""
        from tests.faults.books import ledger_ids, usage_is_drained

        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            if usage_is_drained() and len(found := ledger_ids()) >= at_least:
                return found
            time.sleep(0.2)
        return ledger_ids()


@contextmanager
def standing(**environment: str) -> Iterator[Standing]:
    """A hub without the built-in model, and a tenant that calls `test-chat`."""
    hub = HubProcess(HUB_MODEL="off", **environment)
    with running_provider() as provider:
        try:
            hub.start()
            _django_setup(hub)
            ready = Standing(hub, provider)
            for name, model_type in (("test-chat", "chat"), ("test-embedding", "embedding")):
                added = ready.api.post(
                    "/llm/add_llm",
                    llm_factory=FACTORY,
                    llm_name=name,
                    model_type=model_type,
                    api_base=provider.url,
                    api_key="sk-drill-drill-drill",
                )
                assert added.data is True
            ready.wait_healthy()
            ready.ledger(at_least=1)
            yield ready
        finally:
            hub.close()


def _takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _django_setup(hub: HubProcess) -> None:
    """Once for each process: settings are read once. The drills of one run share a process each."""
    import django

    os.environ.clear()
    os.environ |= hub.environment | {"DJANGO_SETTINGS_MODULE": "llmhub.settings"}
    django.setup()
