"""What `make up` does to the database before it starts the hub; every step may run again."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from redis.exceptions import RedisError

from llmhub.base.errors import HubError
from llmhub.base.pooler import PoolerFound, pooler_refuse
from llmhub.broker import broker_ping
from llmhub.builtin_model import builtin_connection_prepare
from llmhub.first_people import demo_prepare, operator_prepare
from llmhub.schema_versions import outdated_schemas, shared_is_current
from tenants.spare_schemas import spare_schemas_refill


class Command(BaseCommand):
    requires_system_checks = ()  # they load every page of the hub, for a second
    help = "Migrate, load the catalog, make operator, built-in connection and demo tenant."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object for each step")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read what is wanted, as JSON, from stdin; report each step and then the result."""
        self._is_json = options["json"]
        wanted = json.load(sys.stdin)
        try:
            result = self._prepare(wanted)
        except (HubError, CommandError, DatabaseError) as error:
            if not self._is_json:
                raise CommandError(str(error)) from None
            self._say({"error": " ".join(str(error).split())})
            sys.exit(1)
        self._say({"result": result})

    def _prepare(self, wanted: dict[str, Any]) -> dict[str, Any]:
        _servers_check()
        self._step("Migrating the database", _migrate)
        self._step("Loading the catalog", lambda: call_command("load_catalog", verbosity=0))
        operator = self._step(
            "Preparing the operator", lambda: operator_prepare(**wanted["operator"])
        )
        if wanted["model"]:
            self._step(
                "Connecting the built-in model",
                lambda: builtin_connection_prepare(**wanted["model"]),
            )
        demo = None
        if wanted["demo"]:
            demo = self._step("Preparing the demo tenant", lambda: demo_prepare(**wanted["demo"]))
        self._step("Making spare schemas", _spare_schemas)
        return {"operator": operator, "demo": demo}

    def _step(self, name: str, run: Callable[[], Any]) -> Any:
        started = time.monotonic()
        result = run()
        self._say({"step": name, "seconds": round(time.monotonic() - started, 2)})
        return result

    def _say(self, report: dict[str, Any]) -> None:
        if self._is_json:
            self.stdout.write(json.dumps(report))
        elif "step" in report:
            self.stdout.write(f"{report['step']}: {report['seconds']} s")
        self.stdout.flush()


def _servers_check() -> None:
    """Fail early, and in words that name the variable, when a server is away or unfit."""
    try:
        pooler_refuse(settings.HUB.database_url)
    except PoolerFound as found:
        raise CommandError(str(found)) from None
    except psycopg.OperationalError as error:
        raise CommandError(f"PostgreSQL of DATABASE_URL does not answer: {error}") from None
    try:
        broker_ping()
    except RedisError as error:
        raise CommandError(f"Valkey/Redis of REDIS_URL does not answer: {error}") from None


def _spare_schemas() -> None:
    """A few; the worker makes the others without anybody waiting for them."""
    spare_schemas_refill(wanted=settings.HUB.hub_spare_schemas, at_most=3)


def _migrate() -> None:
    """Only what misses something is migrated: with many tenants, looking is much faster."""
    if not shared_is_current():
        call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    for name in outdated_schemas():
        call_command("migrate_schemas", schema_name=name, verbosity=0, interactive=False)
