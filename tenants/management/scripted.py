"""What commands for scripts have in common: `--json`, and errors in one line."""

import argparse
import json
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from llmhub.base.errors import HubError
from tenants.actors import Actor


class ScriptedCommand(BaseCommand):
    """Subclasses give `run(**options) -> dict`; it is printed as JSON or as `name: value` lines."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self.run(**options)
        except HubError as error:
            raise CommandError(error.message) from None
        if options["json"]:
            self.stdout.write(json.dumps(result))
            return
        for name, value in result.items():
            self.stdout.write(f"{name}: {value}")

    def run(self, **options: Any) -> dict[str, Any]:
        raise RuntimeError(f"{type(self).__module__} has no run()")

    @property
    def actor(self) -> Actor:
        return Actor.from_command(type(self).__module__.rpartition(".")[2])


def day_read(text: str) -> date:
    """An argument's type: a day such as 2026-11-23."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-11-23") from None
