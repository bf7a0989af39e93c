"""What the environment says: every variable that LLM Hub reads, read once.

Values come, first match wins, from the environment, from the file that `NAME_FILE` points to, and
from `HUB_DATA_DIR/run/environment.json`, which a running `make up` writes for the processes beside
it (its servers' addresses and generated secrets; mode 0600). A wrong value raises ConfigError,
which names the variable and what it wants.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from llmhub.base.secret import Secret

ROOT = Path(__file__).resolve().parent.parent

IPNetwork = IPv4Network | IPv6Network


class ConfigError(Exception):
    """A variable of the environment holds what the hub cannot use."""

    def __init__(self, variable: str, wants: str) -> None:
        super().__init__(f"{variable} {wants}")
        self.variable = variable


@dataclass(frozen=True)
class Variable:
    """One row of the settings table in the README (a test keeps the two equal)."""

    name: str
    default: str
    meaning: str
    parse: Callable[[str], Any]
    is_secret: bool = False


def _boolean(text: str) -> bool:
    known = {"1": True, "true": True, "on": True, "yes": True}
    known |= {"0": False, "false": False, "off": False, "no": False, "": False}
    if text.lower() not in known:
        raise ValueError("wants on or off")
    return known[text.lower()]


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"wants a whole number from {low} to {high}")
        return int(text)

    return parse


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[IPNetwork, ...]:
    try:
        return tuple(ip_network(part) for part in _words(text))
    except ValueError as error:
        raise ValueError(f"wants networks such as 10.0.0.0/8,fd00::/8 ({error})") from None


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text:
            return ""
        parts = urlsplit(text)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"wants a URL such as {schemes[0]}://host/...")
        return text

    return parse


def _fernet_keys(text: str) -> tuple[Secret, ...]:
    keys = _words(text)
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            message = f"wants url-safe base64 keys of 32 bytes; number {position} is not one"
            raise ValueError(message) from None
    return tuple(Secret(key) for key in keys)


def _log_level(text: str) -> str:
    levels = ("DEBUG", "INFO", "WARNING", "ERROR")
    if text.upper() not in levels:
        raise ValueError("wants one of " + ", ".join(levels))
    return text.upper()


def _data_dir(text: str) -> Path:
    return (ROOT / text).resolve()


VARIABLES: tuple[Variable, ...] = (
    Variable("HUB_DATA_DIR", "var", "Folder of the embedded servers' data and of generated secrets", _data_dir),
    Variable("HUB_HOST", "127.0.0.1", "Address that the hub listens on", str),
    Variable("HUB_PORT", "9380", "Port that the hub listens on", _integer(1, 65535)),
    Variable("HUB_PUBLIC_URL", "", "Address that browsers use, where a proxy stands before the hub; default `http://localhost:HUB_PORT`", _url("https", "http")),
    Variable("HUB_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", "Host names that pages and `/llm` answer to, besides that of HUB_PUBLIC_URL", _words),
    Variable("DATABASE_URL", "", "PostgreSQL 15 or newer, `postgresql://user:password@host:port/name`; unset: an embedded server", _url("postgresql", "postgres")),
    Variable("REDIS_URL", "", "Valkey or Redis 7 or newer, `redis://:password@host:port/0`; unset: an embedded server", _url("redis", "rediss", "unix")),
    Variable("FERNET_KEYS", "", "Master keys for secrets, comma-separated, the current one first; required with DATABASE_URL, else generated", _fernet_keys, is_secret=True),
    Variable("SECRET_KEY", "", "Signs sessions; required with DATABASE_URL, else generated", Secret, is_secret=True),
    Variable("HUB_EGRESS_ALLOW", "", "Networks with private addresses that tenants' base URLs may point to; the embedded default is loopback, `127.0.0.0/8,::1/128`", _networks),
    Variable("HUB_MODEL", "on", "Whether `make up` starts the small built-in model", _boolean),
    Variable("HUB_RECHECK_INTERVAL_S", "3600", "Seconds between background checks of a connection, spread by jitter", _integer(10, 604800)),
    Variable("HUB_DEMO", "on", "Whether `make up` creates the demo tenant", _boolean),
    Variable("HUB_OPERATOR_EMAIL", "operator@example.com", "E-mail of the first operator that `make up` creates", str),
    Variable("HUB_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR", _log_level),
    Variable("HUB_DEBUG", "off", "Django's debug pages; never on a machine that others reach", _boolean),
)  # fmt: skip


@dataclass(frozen=True)
class HubConfig:
    """The parsed variables; each field is the variable of the same name in lower case."""

    hub_data_dir: Path
    hub_host: str
    hub_port: int
    hub_public_url: str
    hub_allowed_hosts: tuple[str, ...]
    database_url: str
    redis_url: str
    fernet_keys: tuple[Secret, ...]
    secret_key: Secret
    hub_egress_allow: tuple[IPNetwork, ...]
    hub_model: bool
    hub_recheck_interval_s: int
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


def config_read(
    environ: Mapping[str, str] = os.environ, *, is_beside_hub: bool = True
) -> HubConfig:
    """Parse the environment; what a running `make up` wrote fills the gaps.

    `is_beside_hub=False` is for `make up` itself, for which that file is a leftover. Raises ConfigError for a value that does not parse, a file that cannot be read, and a database
    of one's own without keys of one's own.
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
