"""What `manage.py check_hub` looks at: what is wrong, and how to mend it."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from django.conf import settings
from django.db import DatabaseError
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from llmhub.base.pooler import PoolerFound, pooler_refuse
from llmhub.broker import broker_ping
from llmhub.celery import app
from llmhub.config import HubConfig, model_address
from llmhub.embedded.model import model_answers
from llmhub.schema_versions import outdated_schemas, shared_is_current

MIN_SECRET_KEY_LENGTH = 32
MIN_POSTGRES = 15
WORKER_TIMEOUT_S = 3
DATABASE_TIMEOUT_S = 5


class CheckFailed(Exception):
    """One thing is wrong; `remedy` says how to mend it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class CheckResult:
    name: str
    is_ok: bool
    message: str
    remedy: str = ""


def checks_run() -> list[CheckResult]:
    """Every check, in the order in which to mend what they find."""
    return [_run(name, check) for name, check in _CHECKS if check is not _model or _has_model()]


def _run(name: str, check: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult(name, True, check())
    except CheckFailed as failure:
        return CheckResult(name, False, failure.message, failure.remedy)


def _configuration() -> str:
    hub: HubConfig = settings.HUB
    if len(hub.secret_key.reveal()) < MIN_SECRET_KEY_LENGTH:
        raise CheckFailed(
            f"SECRET_KEY is shorter than {MIN_SECRET_KEY_LENGTH} characters.",
            "Make one: python -c 'import secrets; print(secrets.token_urlsafe(48))'",
        )
    if hub.hub_debug and hub.hub_host not in ("127.0.0.1", "::1", "localhost"):
        raise CheckFailed(
            f"HUB_DEBUG is on while the hub listens on {hub.hub_host}: error pages show secrets.",
            "Set HUB_DEBUG=off.",
        )
    return f"the settings are whole; the hub's address is {hub.public_url}"


def _database() -> str:
    try:
        version = _server_version()
    except psycopg.OperationalError as error:
        raise CheckFailed(
            f"PostgreSQL does not answer: {_first_line(error)}",
            "Start it, and check the host, the port and the password in DATABASE_URL.",
        ) from None
    if version < MIN_POSTGRES:
        raise CheckFailed(
            f"This is PostgreSQL {version}.", f"Upgrade it to version {MIN_POSTGRES} or newer."
        )
    return f"PostgreSQL {version} answers"


def _server_version() -> int:
    """Asked on a connection of its own, whose errors say more than the pool's."""
    url = settings.HUB.database_url
    with psycopg.connect(url, connect_timeout=DATABASE_TIMEOUT_S) as database:
        return database.info.server_version // 10_000


def _migrations() -> str:
    try:
        if not shared_is_current():
            raise CheckFailed("The shared schema misses migrations.", _MIGRATE)
        outdated = outdated_schemas()
    except DatabaseError as error:
        raise CheckFailed(
            f"Cannot tell: {_first_line(error)}", "Mend the database first."
        ) from None
    if outdated:
        raise CheckFailed(
            f"{len(outdated)} tenants' schemas miss migrations: {', '.join(outdated[:5])}.",
            _MIGRATE,
        )
    return "every schema has every migration"


def _pooler() -> str:
    try:
        pooler_refuse(settings.HUB.database_url)
    except PoolerFound as found:
        raise CheckFailed(str(found), "Set DATABASE_URL to the server's own address.") from None
    except psycopg.OperationalError as error:
        raise CheckFailed(
            f"Cannot tell: {_first_line(error)}", "Mend the database first."
        ) from None
    return "no transaction pooler stands before the database"


def _broker() -> str:
    try:
        broker_ping()
    except RedisError as error:
        raise CheckFailed(
            f"Valkey/Redis does not answer: {_first_line(error)}",
            "Start it, and check the host, the port and the password in REDIS_URL.",
        ) from None
    return "Valkey/Redis answers"


def _worker() -> str:
    try:
        answers = app.control.ping(timeout=WORKER_TIMEOUT_S)
    except (OSError, KombuError) as error:
        raise CheckFailed(f"Cannot tell: {_first_line(error)}", "Mend the broker first.") from None
    if not answers:
        raise CheckFailed(
            f"No worker answers within {WORKER_TIMEOUT_S} s.",
            "Start one: `celery -A llmhub.celery worker`; the log is HUB_DATA_DIR/log/worker.log.",
        )
    return f"workers that answer: {len(answers)}"


def _model() -> str:
    address = model_address(settings.HUB.hub_data_dir)
    if address is None or not model_answers(address["base_url"], address["api_key"]):
        raise CheckFailed(
            "The built-in model does not answer.",
            "See HUB_DATA_DIR/log/model.log, and start the hub again with `make up`.",
        )
    return "the built-in model answers"


def _has_model() -> bool:
    return model_address(settings.HUB.hub_data_dir) is not None


_MIGRATE = "Run `python manage.py migrate_schemas`."
_CHECKS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("configuration", _configuration),
    ("database", _database),
    ("migrations", _migrations),
    ("pooler", _pooler),
    ("broker", _broker),
    ("worker", _worker),
    ("model", _model),
)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
