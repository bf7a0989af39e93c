"""Compare the hub's catalog with files of facts; every difference is explained, or printed."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from llmhub.base.errors import HubError
from providers.catalog.check import CheckResult, catalog_compare
from providers.catalog.files import SHIPPED, catalog_read


class Command(BaseCommand):
    help = "Compare the catalog with facts: exit status 1 where a difference is not explained."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--factories", type=Path, required=True, metavar="JSON")
        parser.add_argument("--models", type=Path, required=True, metavar="CSV")
        parser.add_argument(
            "--explain", action="store_true", help="print what explains how many differences"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = catalog_compare(
                catalog_read(SHIPPED), factories=options["factories"], models=options["models"]
            )
        except HubError as error:
            raise CommandError(error.message) from None
        self._print(result, is_detailed=options["explain"])
        if result.unexplained or result.unused:
            raise CommandError(
                f"{len(result.unexplained)} differences are not explained, "
                f"{len(result.unused)} explanations explain nothing."
            )

    def _print(self, result: CheckResult, *, is_detailed: bool) -> None:
        for difference in result.unexplained:
            self.stdout.write(str(difference))
        for explanation in result.unused:
            self.stdout.write(f"explains nothing: {explanation.kind}: {explanation.reason}")
        if is_detailed:
            for explanation, count in result.explained:
                self.stdout.write(f"{count:4} {explanation.kind}: {explanation.reason}")
        explained = sum(count for _, count in result.explained)
        self.stdout.write(
            f"{explained} differences explained, {len(result.unexplained)} not explained"
        )
