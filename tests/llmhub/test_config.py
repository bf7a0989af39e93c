import json
from pathlib import Path

import pytest

from llmhub.config import ConfigError, HubConfig, config_read, environment_file, model_address
from llmhub.variables import VARIABLES

KEYS = {"FERNET_KEYS": "A" * 43 + "=", "SECRET_KEY": "s" * 48}


def _write(data_dir: Path, **values: str) -> None:
    path = environment_file(data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")


def test_without_variables_everything_has_its_default(tmp_path: Path) -> None:
    config = config_read({"HUB_DATA_DIR": str(tmp_path)})
    assert (config.hub_host, config.hub_port) == ("127.0.0.1", 9380)
    assert config.public_url == "http://localhost:9380"
    assert config.database_url == ""


def test_every_variable_is_a_field_of_the_configuration() -> None:
    assert {v.name.lower() for v in VARIABLES} == set(HubConfig.__dataclass_fields__)


def test_the_environment_wins_over_a_file_and_a_file_over_a_running_hub(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file\n", encoding="utf-8")
    _write(tmp_path, SECRET_KEY="from the hub", HUB_PORT="1111", HUB_HOST="::1")
    config = config_read(
        {"HUB_DATA_DIR": str(tmp_path), "SECRET_KEY_FILE": str(secret), "HUB_PORT": "2222"}
    )
    assert config.secret_key.reveal() == "from a file"
    assert config.hub_port == 2222
    assert config.hub_host == "::1"


def test_a_start_of_the_hub_does_not_believe_what_an_earlier_one_left(tmp_path: Path) -> None:
    _write(tmp_path, DATABASE_URL="postgresql://gone@127.0.0.1:1/gone")
    config = config_read({"HUB_DATA_DIR": str(tmp_path)}, is_beside_hub=False)
    assert config.database_url == ""


def test_a_secret_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="SECRET_KEY_FILE points to a file that cannot be read"):
        config_read({"SECRET_KEY_FILE": "/no/such/file"})


@pytest.mark.parametrize("missing", sorted(KEYS))
def test_a_database_of_ones_own_needs_keys_of_ones_own(tmp_path: Path, missing: str) -> None:
    environment = {
        "HUB_DATA_DIR": str(tmp_path),
        "DATABASE_URL": "postgresql://hub@db/hub",
        **{name: text for name, text in KEYS.items() if name != missing},
    }
    with pytest.raises(ConfigError, match=f"^{missing} is required with DATABASE_URL"):
        config_read(environment)


def test_no_secret_shows_in_the_configuration() -> None:
    urls = {
        "DATABASE_URL": "postgresql://hub:hidden@db/hub",
        "REDIS_URL": "redis://:hidden@cache/0",
    }
    shown = repr(config_read(KEYS | urls))
    assert not [text for text in (*KEYS.values(), "hidden") if text in shown]


def test_the_models_address_is_known_while_a_hub_runs(tmp_path: Path) -> None:
    assert model_address(tmp_path) is None
    _write(tmp_path, MODEL_NAME="m", MODEL_BASE_URL="http://127.0.0.1:1/v1", MODEL_API_KEY="k")
    assert model_address(tmp_path) == {
        "name": "m",
        "base_url": "http://127.0.0.1:1/v1",
        "api_key": "k",
    }
