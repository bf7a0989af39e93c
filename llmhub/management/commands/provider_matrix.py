"""Which factory serves what, by which protocol, probed and tested how."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from providers.catalog.files import SHIPPED, catalog_read
from providers.matrix import Row, matrix_rows

_HEAD = ("factory", "type", "served", "protocol", "probed by", "tested against")


class Command(BaseCommand):
    help = "Print which factory of the hub's catalog serves which type, and how that is known."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--markdown", action="store_true", help="print a table in Markdown")
        form.add_argument("--json", action="store_true", help="print one JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = matrix_rows(catalog_read(SHIPPED))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(row) for row in rows]))
            return
        cells = [_HEAD, *map(_cells, rows)]
        lines = _markdown(cells) if options["markdown"] else _text(cells)
        self.stdout.write("\n".join(lines))
        if not options["markdown"]:
            served = sum(row.is_served for row in rows)
            self.stdout.write(f"\n{served} of {len(rows)} are served.")


def _cells(row: Row) -> tuple[str, ...]:
    served = "yes" if row.is_served else f"no: {row.note}"
    tested = ", ".join(row.tested) or "-"
    return (row.factory, row.model_type.value, served, row.protocol, row.probe, tested)


def _text(cells: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in cells) for i in range(len(_HEAD))]
    return [_joined(row, widths) for row in cells]


def _joined(row: Iterable[str], widths: list[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join(padded).rstrip()


def _markdown(cells: list[tuple[str, ...]]) -> list[str]:
    head, *rows = (f"| {' | '.join(row)} |" for row in cells)
    return [head, "|---" * len(_HEAD) + "|", *rows]
