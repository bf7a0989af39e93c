"""PostgreSQL and Valkey away, one and both, and SIGTERM: promises 13 to 15."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings

from llmhub.embedded.ports import free_port
from tests.committed_people import Person
from tests.gateway.cable import Cable, cable_to
from tests.gateway.raw_http import Answer, chat
from tests.gateway.server import RunningGateway
from tests.provider_server import (
    PROMPT_TOKENS,
    SSE,
    WORDS,
    ProviderServer,
    Reply,
    stream_chunks,
)
from tests.waiting import wait_until

Process = subprocess.Popen[bytes]
ROOT = Path(__file__).resolve().parents[2]
USED = PROMPT_TOKENS + len(WORDS)


def through(url: str, port: int, path: str = "") -> str:
    """The same server, reached over a cable's port."""
    parts = urlsplit(url)
    account, at, _ = parts.netloc.rpartition("@")
    netloc = f"{account}{at}127.0.0.1:{port}"
    return urlunsplit(parts._replace(netloc=netloc, path=path or parts.path))


@dataclass
class Wired:
    """A gateway whose database and Valkey hang on cables."""

    gateway: RunningGateway
    process: Process
    postgres: Cable
    valkey: Cable


@contextmanager
def gateway_process(environment: dict[str, str]) -> Iterator[tuple[RunningGateway, Process]]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "gateway.app:application", f"--port={port}"]
    process = subprocess.Popen(
        [*command, "--no-access-log", "--timeout-graceful-shutdown=20"],
        cwd=ROOT,
        env=os.environ | environment | {"DJANGO_SETTINGS_MODULE": "llmhub.settings"},
    )
    gateway = RunningGateway(port)
    try:
        wait_until(lambda: answers(gateway), timeout_s=30, what="the gateway's start")
        yield gateway, process
    finally:
        process.terminate()
        process.wait(timeout=30)


def answers(gateway: RunningGateway) -> bool:
    try:
        return chat(gateway, "").status == 401
    except OSError:
        return False


@contextmanager
def wired_gateway() -> Iterator[Wired]:
    hub = settings.HUB
    name = settings.DATABASES["default"]["NAME"]
    with (
        cable_to(urlsplit(hub.database_url).port or 0) as postgres,
        cable_to(urlsplit(hub.redis_url).port or 0) as cache,
    ):
        environment = {
            "DATABASE_URL": through(hub.database_url, postgres.port, f"/{name}"),
            "REDIS_URL": through(hub.redis_url, cache.port),
        }
        with gateway_process(environment) as (gateway, process):
            yield Wired(gateway, process, postgres, cache)


@pytest.fixture(scope="module")
def wired_once(committed: None) -> Iterator[Wired]:
    with wired_gateway() as wired:
        yield wired


@pytest.fixture
def wired(wired_once: Wired, alice: Person) -> Iterator[Wired]:
    """Everything is connected, and the gateway knows Alice."""
    wait_until(lambda: chat(wired_once.gateway, alice.token).status == 200, what="the first answer")
    yield wired_once
    for cable in (wired_once.postgres, wired_once.valkey):
        cable.cut()
        cable.mend()


def test_with_the_database_away_configured_models_answer_and_are_metered(
    wired: Wired, alice: Person
) -> None:
    wired.postgres.cut()
    for _ in range(5):
        assert chat(wired.gateway, alice.token).status == 200
    stranger = chat(wired.gateway, "hub_" + "z" * 43)
    assert (stranger.status, stranger.code) == (503, "database_unavailable")
    assert stranger.headers["retry-after"]
    assert alice.ledger()
    assert alice.used_tokens()["test-chat"] == 6 * USED


def test_with_both_away_usage_is_held_and_arrives_with_the_first_to_return(
    wired: Wired, alice: Person
) -> None:
    wired.postgres.cut()
    wired.valkey.cut()
    for _ in range(5):
        assert chat(wired.gateway, alice.token).status == 200
    wired.postgres.mend()
    wait_until(lambda: len(alice.ledger()) == 6, timeout_s=20, what="the held usage")
    assert alice.used_tokens()["test-chat"] == 6 * USED


def test_valkey_is_used_again_when_it_returns(wired: Wired, alice: Person) -> None:
    wired.valkey.cut()
    assert chat(wired.gateway, alice.token).status == 200
    wired.valkey.mend()
    alice.switch("test-chat", is_enabled=False)
    assert chat(wired.gateway, alice.token).status == 403
    alice.switch("test-chat", is_enabled=True)
    assert chat(wired.gateway, alice.token).status == 200
    assert alice.ledger()
    assert alice.used_tokens()["test-chat"] == 3 * USED


def test_sigterm_lets_an_open_stream_come_to_its_end(
    alice: Person, provider: ProviderServer
) -> None:
    with wired_gateway() as wired:
        drain_by_sigterm(wired, alice, provider)


def drain_by_sigterm(wired: Wired, alice: Person, provider: ProviderServer) -> None:
    slow = Reply(headers={"content-type": SSE}, chunks=stream_chunks(has_usage=True), pause_s=0.1)
    provider.script("/v1/chat/completions", slow)
    before = len(provider.seen)
    streamed: list[Answer] = []
    caller = threading.Thread(
        target=lambda: streamed.append(chat(wired.gateway, alice.token, stream=True))
    )
    caller.start()
    wait_until(lambda: len(provider.seen) > before, what="the stream's begin")
    wired.process.send_signal(signal.SIGTERM)
    caller.join(timeout=30)
    assert streamed[0].body.endswith(b"data: [DONE]\n\n")
    wired.process.wait(timeout=30)
    assert alice.ledger()
    assert alice.used_tokens()["test-chat"] == USED
