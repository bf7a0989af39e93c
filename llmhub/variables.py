"""The table of every variable that LLM Hub reads, with what each may hold."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from llmhub.base.secret import Secret

ROOT = Path(__file__).resolve().parent.parent

IPNetwork = IPv4Network | IPv6Network


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
    Variable(
        "HUB_DATA_DIR",
        "var",
        "Folder of the embedded servers' data and of generated secrets",
        _data_dir,
    ),
    Variable("HUB_HOST", "127.0.0.1", "Address that the hub listens on", str),
    Variable("HUB_PORT", "9380", "Port that the hub listens on", _integer(1, 65535)),
    Variable(
        "HUB_PUBLIC_URL",
        "",
        "Address that browsers use, where a proxy stands before the hub; default "
        "`http://localhost:HUB_PORT`",
        _url("https", "http"),
    ),
    Variable(
        "HUB_ALLOWED_HOSTS",
        "localhost,127.0.0.1,[::1]",
        "Host names that pages and `/llm` answer to, besides that of HUB_PUBLIC_URL",
        _words,
    ),
    Variable(
        "DATABASE_URL",
        "",
        "PostgreSQL 15 or newer, `postgresql://user:password@host:port/name`; unset: an "
        "embedded server",
        _url("postgresql", "postgres"),
    ),
    Variable(
        "REDIS_URL",
        "",
        "Valkey or Redis 7 or newer, `redis://:password@host:port/0`; unset: an embedded server",
        _url("redis", "rediss", "unix"),
    ),
    Variable(
        "FERNET_KEYS",
        "",
        "Master keys for secrets, comma-separated, the current one first; required with "
        "DATABASE_URL, else generated",
        _fernet_keys,
        is_secret=True,
    ),
    Variable(
        "SECRET_KEY",
        "",
        "Signs sessions; required with DATABASE_URL, else generated",
        Secret,
        is_secret=True,
    ),
    Variable(
        "HUB_EGRESS_ALLOW",
        "",
        "Networks with private addresses that tenants' base URLs may point to; the embedded "
        "default is loopback, `127.0.0.0/8,::1/128`",
        _networks,
    ),
    Variable(
        "EMAIL_URL",
        "",
        "Mail server for alerts, `smtp://user:password@host:587` or `smtps://`; unset: mail is "
        "written to the worker's log",
        _url("smtp", "smtps"),
    ),
    Variable("HUB_EMAIL_FROM", "llm-hub@localhost", "Sender of the hub's mail", str),
    Variable("HUB_MODEL", "on", "Whether `make up` starts the small built-in model", _boolean),
    Variable(
        "HUB_RECHECK_INTERVAL_S",
        "3600",
        "Seconds between background checks of a connection, spread by jitter",
        _integer(10, 604800),
    ),
    Variable(
        "HUB_SPARE_SCHEMAS",
        "20",
        "Schemas that the worker keeps ready, so that a tenant is created within milliseconds; "
        "0: each is made when its tenant is created",
        _integer(0, 1000),
    ),
    Variable(
        "HUB_EVENT_RETENTION_DAYS",
        "180",
        "Days that single usage events are kept, where a tenant says nothing else; sums stay",
        _integer(1, 36500),
    ),
    Variable("HUB_DEMO", "on", "Whether `make up` creates the demo tenant", _boolean),
    Variable(
        "HUB_OPERATOR_EMAIL",
        "operator@example.com",
        "E-mail of the first operator that `make up` creates",
        str,
    ),
    Variable("HUB_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR", _log_level),
    Variable(
        "HUB_DEBUG", "off", "Django's debug pages; never on a machine that others reach", _boolean
    ),
)
