"""With DATABASE_URL and REDIS_URL set, nothing is embedded."""

import os
import secrets
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.hub_process import HubProcess

pytestmark = pytest.mark.hub


@pytest.fixture
def own_database() -> Iterator[str]:
    """An empty database on the test run's server."""
    server = os.environ["DATABASE_URL"]
    name = f"own_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield server.rpartition("/")[0] + f"/{name}"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def hub(own_database: str) -> Iterator[HubProcess]:
    hub = HubProcess(
        DATABASE_URL=own_database,
        REDIS_URL=os.environ["REDIS_URL"].rpartition("/")[0] + "/1",
        FERNET_KEYS=os.environ["FERNET_KEYS"],
        SECRET_KEY=os.environ["SECRET_KEY"],
    )
    yield hub
    hub.close()


def test_it_runs_web_worker_and_beat_alone(hub: HubProcess) -> None:
    hub.start()
    commands = " ".join(hub.processes().values())
    assert len(hub.processes()) == 4
    for words in ("llmhub.up", "llmhub.serve", "llmhub.celery worker", "llmhub.celery beat"):
        assert words in commands
    assert not (hub.data_dir / "postgres").exists()
    assert not (hub.data_dir / "valkey").exists()
    assert hub.hub["demo"]["token"].startswith("hub_")
    assert hub.stop() == 0
