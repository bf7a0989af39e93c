"""What the environment says: every variable that LLM Hub reads, read once.

Values come, first match wins, from the environment, from the file that `NAME_FILE` points to, and
from `HUB_DATA_DIR/run/environment.json`, which a running `make up` writes for the processes beside
it (its servers' addresses and generated secrets; mode 0600). A wrong value raises ConfigError,
which names the variable and what it wants.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from llmhub.base.secret import Secret
from llmhub.variables import ROOT, VARIABLES, IPNetwork, Variable

__all__ = ["ROOT", "VARIABLES", "ConfigError", "HubConfig", "Variable", "config_read"]


class ConfigError(Exception):
    """A variable of the environment holds what the hub cannot use."""

    def __init__(self, variable: str, wants: str) -> None:
        super().__init__(f"{variable} {wants}")
        self.variable = variable


@dataclass(frozen=True)
class HubConfig:
    """The parsed variables; each field is the variable of the same name in lower case."""

    hub_data_dir: Path
    hub_host: str
    hub_port: int
    hub_public_url: str
    hub_allowed_hosts: tuple[str, ...]
    database_url: str = field(repr=False)  # it holds a password
    redis_url: str = field(repr=False)
    fernet_keys: tuple[Secret, ...]
    secret_key: Secret
    hub_egress_allow: tuple[IPNetwork, ...]
    email_url: str = field(repr=False)  # it holds a password
    hub_email_from: str
    hub_model: bool
    hub_recheck_interval_s: int
    hub_spare_schemas: int
    hub_event_retention_days: int
    hub_demo: bool
    hub_operator_email: str
    hub_log_level: str
    hub_debug: bool

    @property
    def public_url(self) -> str:
        return self.hub_public_url.rstrip("/") or f"http://localhost:{self.hub_port}"

    @property
    def environment_file(self) -> Path:
        return environment_file(self.hub_data_dir)


def environment_file(data_dir: Path) -> Path:
    """Where a running `make up` tells the processes beside it its addresses and secrets."""
    return data_dir / "run" / "environment.json"


def model_address(data_dir: Path) -> dict[str, str] | None:
    """`name`, `base_url` and `api_key` of the model that a running `make up` brings, if any."""
    written = _read_environment_file(environment_file(data_dir))
    address = {
        key: written.get(f"MODEL_{key.upper()}", "") for key in ("name", "base_url", "api_key")
    }
    return address if all(address.values()) else None


def config_read(
    environ: Mapping[str, str] = os.environ, *, is_beside_hub: bool = True
) -> HubConfig:
    """Parse the environment; what a running `make up` wrote fills the gaps.

    `is_beside_hub=False` is for `make up` itself, to which that file is a leftover. Raises
    ConfigError for a value that does not parse, a file that cannot be read, and a database of
    one's own without keys of one's own.
    """
    values = {v.name: variable_text(v.name, environ) for v in VARIABLES}
    data_dir = _parse(VARIABLES[0], values["HUB_DATA_DIR"])
    if values["DATABASE_URL"] and not (values["FERNET_KEYS"] and values["SECRET_KEY"]):
        missing = "FERNET_KEYS" if not values["FERNET_KEYS"] else "SECRET_KEY"
        raise ConfigError(missing, f"is required with DATABASE_URL. {_HOW_TO_MAKE[missing]}")
    running = _read_environment_file(environment_file(data_dir)) if is_beside_hub else {}
    for name, text in running.items():
        if name in values and values[name] is None:
            values[name] = text
    parsed = {v.name.lower(): _parse(v, values[v.name]) for v in VARIABLES}
    return HubConfig(**{field.name: parsed[field.name] for field in fields(HubConfig)})


_HOW_TO_MAKE = {
    "FERNET_KEYS": "Make one: python -c 'from cryptography.fernet import Fernet; "
    "print(Fernet.generate_key().decode())'",
    "SECRET_KEY": "Make one: python -c 'import secrets; print(secrets.token_urlsafe(48))'",
}


def variable_text(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """What a variable or its `_FILE` says; None where neither is set."""
    if environ.get(name, "").strip():
        return environ[name].strip()
    path = environ.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(
            f"{name}_FILE", f"points to a file that cannot be read: {reason}"
        ) from None


def _parse(variable: Variable, text: str | None) -> Any:
    try:
        return variable.parse(variable.default if text is None else text)
    except ValueError as error:
        raise ConfigError(variable.name, str(error)) from None


def _read_environment_file(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise ConfigError("HUB_DATA_DIR", f"holds {path.name} that cannot be read") from None
    return {str(name): str(text) for name, text in content.items()}


def missing_servers(config: HubConfig) -> Iterable[str]:
    """Names of the server variables that are still empty: no `make up` is running here."""
    return (n for n in ("DATABASE_URL", "REDIS_URL") if not getattr(config, n.lower()))
