"""Is this hub in order? For people, and with --json for scripts."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from llmhub.checks import CheckResult, checks_run


class Command(BaseCommand):
    help = "Check configuration, database, broker, worker and model; exit code 1 on a failure."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        results = checks_run()
        is_ok = all(result.is_ok for result in results)
        if options["json"]:
            checks = [asdict(result) for result in results]
            self.stdout.write(json.dumps({"is_ok": is_ok, "checks": checks}))
        else:
            self.stdout.write("\n".join(_line(result) for result in results))
        if not is_ok:
            sys.exit(1)


def _line(result: CheckResult) -> str:
    if result.is_ok:
        return f"ok    {result.name}: {result.message}"
    return f"FAIL  {result.name}: {result.message}\n      {result.remedy}"
