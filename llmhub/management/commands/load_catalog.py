"""Load the catalog of factories, models and prices; what an operator changed by hand stays."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from llmhub.catalog_loads import files_load, prices_load
from providers.catalog.genai_prices import PACKAGE
from tenants.management.scripted import ScriptedCommand


class Command(ScriptedCommand):
    help = "Load the catalog; prints how many rows were created, updated, kept, retired."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        source = parser.add_mutually_exclusive_group()
        source.add_argument(
            "--file",
            type=Path,
            metavar="PATH",
            help="a factory's JSON file or a folder of them; default: the hub's own catalog",
        )
        source.add_argument(
            "--from",
            dest="package",
            choices=[PACKAGE],
            help="take over the prices that this installed package knows",
        )
        source.add_argument(
            "--force",
            action="store_true",
            help="load the hub's own catalog also where it was what was loaded last",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        if options["package"]:
            report = prices_load(actor=self.actor)
        else:
            report = files_load(
                actor=self.actor, source=options["file"], is_forced=options["force"]
            )
        return report.as_dict() if options["json"] else dict(report.as_lines())
