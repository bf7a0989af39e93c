"""Load the catalog of factories, models and prices; what an operator changed by hand stays."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from providers.catalog.loader import catalog_load
from tenants.audit.services import operator_change
from tenants.management.scripted import ScriptedCommand


class Command(ScriptedCommand):
    help = "Load the catalog; prints how many rows were created, updated, kept, retired."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--file",
            type=Path,
            metavar="PATH",
            help="a factory's JSON file or a folder of them; default: the hub's own catalog",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        source: Path | None = options["file"]
        with operator_change(actor=self.actor, action="catalog.load") as change:
            report = catalog_load(source)
            change.about("catalog", "", source.name if source else "the hub's own")
            change.after = report.as_dict()
            if not report.written_rows:
                change.nothing_changed()
        return report.as_dict() if options["json"] else dict(report.as_lines())
