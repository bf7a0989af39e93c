"""Loads of the catalog with their audit row, for the command and for the task."""

from pathlib import Path

from providers.catalog.genai_prices import PACKAGE
from providers.catalog.loader import catalog_load
from providers.catalog.price_sync import prices_sync
from providers.catalog.report import CatalogReport
from tenants.actors import Actor
from tenants.audit.services import Change, operator_change


def files_load(*, actor: Actor, source: Path | None, is_forced: bool) -> CatalogReport:
    """Raises CatalogError, having changed nothing."""
    with operator_change(actor=actor, action="catalog.load") as change:
        report = catalog_load(source, is_forced=is_forced)
        _note(change, report, source.name if source else "the hub's own")
    return report


def prices_load(*, actor: Actor) -> CatalogReport:
    """From the installed `genai-prices`. Raises NotSupported where it is not installed."""
    with operator_change(actor=actor, action="catalog.load") as change:
        report = prices_sync()
        _note(change, report, PACKAGE)
    return report


def _note(change: Change, report: CatalogReport, source: str) -> None:
    change.about("catalog", "", source)
    change.after = report.as_dict()
    if not report.written_rows:
        change.nothing_changed()
