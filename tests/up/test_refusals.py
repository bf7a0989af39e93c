"""A hub that cannot start says why in one line, exits with 1 and leaves nothing running."""

import json
import socket
from collections.abc import Iterator

import pytest

from llmhub.embedded.ports import LOOPBACK
from tests.hub_process import HubProcess

pytestmark = pytest.mark.hub


@pytest.fixture
def make_hub() -> Iterator[type[HubProcess]]:
    """Makes hubs that are cleaned up after the test."""
    made: list[HubProcess] = []

    class Hub(HubProcess):
        def __init__(self, **environment: str) -> None:
            super().__init__(**environment)
            made.append(self)

    yield Hub
    for hub in made:
        hub.close()


def _complaint(hub: HubProcess) -> str:
    """The one line of a start that fails."""
    assert hub.run_to_end() == 1
    complaints = [line for line in hub.output.splitlines() if line.startswith("llm-hub: ")]
    assert len(complaints) == 1, hub.output
    assert "Traceback" not in hub.output
    assert not hub.hub_file.exists()
    return complaints[0]


def test_a_port_in_use_is_named(make_hub: type[HubProcess]) -> None:
    hub = make_hub()
    with socket.create_server((LOOPBACK, hub.port)):
        complaint = _complaint(hub)
    assert f"Port {hub.port} is in use" in complaint
    assert "HUB_PORT" in complaint


def test_an_address_of_another_machine_is_refused(make_hub: type[HubProcess]) -> None:
    assert "HUB_HOST wants an address of this machine" in _complaint(make_hub(HUB_HOST="192.0.2.1"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HUB_PORT", "99999"),
        ("HUB_MODEL", "perhaps"),
        ("HUB_EGRESS_ALLOW", "everywhere"),
        ("DATABASE_URL", "mysql://localhost/hub"),
        ("REDIS_URL", "localhost:6379"),
        ("FERNET_KEYS", "short"),
        ("HUB_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_value_names_its_variable(make_hub: type[HubProcess], name: str, text: str) -> None:
    environment = {"FERNET_KEYS": "A" * 43 + "=", "SECRET_KEY": "s" * 48, name: text}
    assert _complaint(make_hub(**environment)).startswith(f"llm-hub: {name} wants ")


@pytest.mark.parametrize("name", ["FERNET_KEYS", "SECRET_KEY"])
def test_a_database_of_ones_own_needs_keys_of_ones_own(
    make_hub: type[HubProcess], name: str
) -> None:
    environment = {
        "DATABASE_URL": "postgresql://hub@127.0.0.1:9/hub",
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "FERNET_KEYS": "A" * 43 + "=",
        "SECRET_KEY": "s" * 48,
    }
    del environment[name]
    assert f"{name} is required with DATABASE_URL" in _complaint(make_hub(**environment))


def test_data_of_another_postgresql_version_are_left_alone(make_hub: type[HubProcess]) -> None:
    hub = make_hub()
    data = hub.data_dir / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("15\n", encoding="ascii")
    (hub.data_dir / "secrets.json").write_text(json.dumps({"secret_key": "s"}), encoding="utf-8")
    complaint = _complaint(hub)
    assert f"{data} holds data of PostgreSQL 15 and this hub brings 18" in complaint
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_data_without_their_secrets_are_not_opened(make_hub: type[HubProcess]) -> None:
    hub = make_hub()
    (hub.data_dir / "postgres" / "data").mkdir(parents=True)
    assert "secrets.json is missing" in _complaint(hub)


def test_a_folder_that_is_a_file_is_named(make_hub: type[HubProcess]) -> None:
    hub = make_hub()
    hub.data_dir.write_text("", encoding="ascii")
    complaint = _complaint(hub)
    assert str(hub.data_dir) in complaint
    assert "HUB_DATA_DIR" in complaint


def test_a_database_that_is_away_is_named(make_hub: type[HubProcess]) -> None:
    hub = make_hub(
        DATABASE_URL="postgresql://hub@127.0.0.1:9/hub",
        REDIS_URL="redis://127.0.0.1:9/0",
        FERNET_KEYS="A" * 43 + "=",
        SECRET_KEY="s" * 48,
    )
    complaint = _complaint(hub)
    assert "PostgreSQL of DATABASE_URL does not answer" in complaint
    assert "port 9 failed" in complaint
