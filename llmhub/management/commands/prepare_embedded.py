"""What `make up` does to the database before it starts the hub; every step may run again."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from llmhub.base.errors import HubError
from llmhub.first_people import demo_prepare, operator_prepare


class Command(BaseCommand):
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
            self._say({"error": f"Preparing the database failed: {str(error).strip()}"})
            raise
        self._say({"result": result})

    def _prepare(self, wanted: dict[str, Any]) -> dict[str, Any]:
        self._step("Migrating the database", _migrate)
        self._step("Loading the catalog", lambda: call_command("load_catalog", verbosity=0))
        operator = self._step(
            "Preparing the operator", lambda: operator_prepare(**wanted["operator"])
        )
        demo = None
        if wanted["demo"]:
            demo = self._step(
                "Preparing the demo tenant", lambda: demo_prepare(**wanted["demo"])
            )
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


def _migrate() -> None:
    # Migrations report on stdout, which carries our JSON.
    call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    call_command("migrate_schemas", tenant=True, verbosity=0, interactive=False)
