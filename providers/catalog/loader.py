"""Bringing the catalog's files into the database without undoing what an operator did there."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from providers.catalog.bulk import rows_insert
from providers.catalog.files import (
    FACTORY_COLUMNS,
    MODEL_COLUMNS,
    SHIPPED,
    FactoryEntry,
    ModelEntry,
    catalog_read,
)
from providers.catalog.load_marks import (
    FILES,
    files_fingerprint,
    mark_forget,
    mark_set,
    mark_stands,
    one_load_at_a_time,
    version_loaded,
)
from providers.catalog.merge import Values, overridden, plain_columns, revived, three_way
from providers.catalog.price_loader import ModelPrices, prices_load
from providers.catalog.report import CatalogReport
from providers.models import LLM, LLMFactory, PriceSource
from providers.names import is_older_version

_NO_FACTS: Values = {}
_ALL_LOADED = frozenset({PriceSource.SHIPPED.value, PriceSource.GENAI_PRICES.value})


def catalog_load(source: Path | None = None, *, is_forced: bool = False) -> CatalogReport:
    """Load a file, a folder of files, or (None) the catalog that comes with the hub.

    One transaction and a fixed number of queries; a second load of the same files writes nothing.
    The hub's own files are not even read in full where they were what was loaded last, unless
    `is_forced`.
    Columns that an operator changed, rows that one added and prices set by hand stay as they are.
    A model that its factory's file no longer names is retired (inactive, deprecated as of today)
    unless an operator changed it; so is a factory that came with the hub and no longer does.
    Raises CatalogError, having changed nothing.
    """
    fingerprint = files_fingerprint(SHIPPED) if source is None else ""
    if fingerprint and not is_forced and mark_stands(FILES, fingerprint):
        return CatalogReport(is_current=True)
    entries = catalog_read(source or SHIPPED)
    report = CatalogReport()
    with transaction.atomic():
        one_load_at_a_time()
        factories = _factories_load(entries, report, is_hubs_own=source is None)
        llms = _models_load(factories, report)
        prices_load(_prices(llms, entries), report)
        if fingerprint:
            mark_set(FILES, fingerprint)
        else:
            mark_forget(FILES)
    return report


def _prices(llms: list[tuple[LLM, ModelEntry]], entries: list[FactoryEntry]) -> list[ModelPrices]:
    """What the files say of prices; prices of a younger `genai-prices` stay as they are."""
    loaded = version_loaded(PriceSource.GENAI_PRICES)
    passed_over = {
        entry.name
        for entry in entries
        for known in [entry.known_as.get(PriceSource.GENAI_PRICES)]
        if known and is_older_version(known.version, loaded)
    }
    return [
        ModelPrices(
            llm,
            entry.prices,
            _ALL_LOADED - {PriceSource.GENAI_PRICES.value}
            if llm.factory.name in passed_over
            else _ALL_LOADED,
        )
        for llm, entry in llms
    ]


def _factories_load(
    entries: Iterable[FactoryEntry], report: CatalogReport, *, is_hubs_own: bool
) -> list[tuple[LLMFactory, FactoryEntry]]:
    """The rows whose models are to be loaded, each with its entry."""
    existing = {factory.name: factory for factory in LLMFactory.objects.select_for_update()}
    created, changed, loaded = [], [], []
    for entry in entries:
        factory = existing.pop(entry.name, None)
        facts = {"revised": entry.revised.isoformat(), "is_hubs_own": is_hubs_own}
        if factory is None:
            factory = LLMFactory(name=entry.name)
            _take_over(factory, _factory_values(entry), facts)
            created.append(factory)
            report.factories["created"] += 1
        elif reason := _reason_to_skip(factory, entry):
            report.factories["kept"] += 1
            report.notes.append(f"{entry.name}: {reason}")
            continue
        elif _merge(factory, _factory_values(entry), report, facts):
            changed.append(factory)
        loaded.append((factory, entry))
    if is_hubs_own:
        gone = [factory for factory in existing.values() if factory.shipped.get("is_hubs_own")]
        changed += [factory for factory in gone if _retire(factory, {"is_active": False}, report)]
    rows_insert(LLMFactory, created)
    _write(LLMFactory, changed, FACTORY_COLUMNS)
    report.written_rows += len(created) + len(changed)
    return loaded


def _reason_to_skip(factory: LLMFactory, entry: FactoryEntry) -> str:
    if not factory.shipped:
        return "an operator added this factory"
    revised = factory.shipped.get("revised", "")
    if revised > entry.revised.isoformat():
        return f"loaded from a file of {revised}, this one is of {entry.revised}"
    return ""


def _models_load(
    factories: list[tuple[LLMFactory, FactoryEntry]], report: CatalogReport
) -> list[tuple[LLM, ModelEntry]]:
    """The rows whose prices are to be loaded, each with its entry."""
    rows = LLM.objects.select_for_update(of=("self",)).select_related("factory").order_by("pk")
    existing = {
        (llm.factory_id, llm.llm_name): llm
        for llm in rows.filter(factory__in=[factory for factory, _ in factories])
    }
    created, changed, loaded = [], [], []
    for factory, entry in ((f, model) for f, e in factories for model in e.models):
        llm = existing.pop((factory.pk, entry.llm_name), None)
        if llm is None:
            llm = LLM(factory=factory, llm_name=entry.llm_name)
            _take_over(llm, _model_values(entry))
            created.append(llm)
            report.models["created"] += 1
        elif not llm.shipped:
            _keep(llm, "an operator added this model", report)
            continue
        elif _merge(llm, _model_values(entry), report):
            changed.append(llm)
        loaded.append((llm, entry))
    changed += [llm for llm in existing.values() if _retire(llm, _retirement(llm), report)]
    rows_insert(LLM, created)
    _write(LLM, changed, MODEL_COLUMNS)
    report.written_rows += len(created) + len(changed)
    return loaded


def _factory_values(entry: FactoryEntry) -> dict[str, Any]:
    return plain_columns(entry, FACTORY_COLUMNS)


def _model_values(entry: ModelEntry) -> dict[str, Any]:
    return plain_columns(entry, MODEL_COLUMNS)


def _retirement(llm: LLM) -> dict[str, Any]:
    today = timezone.localdate().isoformat()
    return {"is_active": False, "deprecated_on": llm.shipped.get("deprecated_on") or today}


def _take_over(row: LLMFactory | LLM, values: Values, file_facts: Values = _NO_FACTS) -> None:
    _set(row, values)
    row.shipped = {**values, **file_facts}


def _merge(
    row: LLMFactory | LLM, incoming: Values, report: CatalogReport, file_facts: Values = _NO_FACTS
) -> bool:
    """Whether the row is to be written."""
    merged = three_way(plain_columns(row, incoming), row.shipped, incoming)
    shipped = {**incoming, **file_facts}
    is_changed = bool(merged.changes) or row.shipped != shipped
    if merged.kept:
        _keep(row, "kept " + ", ".join(merged.kept), report)
    else:
        _count(row, "updated" if is_changed else "unchanged", report)
    _set(row, merged.changes)
    row.shipped = shipped
    return is_changed


def _retire(row: LLMFactory | LLM, retirement: Values, report: CatalogReport) -> bool:
    if not row.shipped:
        return False
    if overridden(row):
        _keep(row, "the files no longer name it, and an operator changed it", report)
        return False
    shipped = {**row.shipped, **retirement}
    is_changed = bool(row.shipped != shipped)
    _count(row, "retired" if is_changed else "unchanged", report)
    _set(row, retirement)
    row.shipped = shipped
    return is_changed


def _set(row: LLMFactory | LLM, values: Values) -> None:
    for column, value in values.items():
        setattr(row, column, revived(column, value))


def _keep(row: LLMFactory | LLM, reason: str, report: CatalogReport) -> None:
    _count(row, "kept", report)
    name = row.name if isinstance(row, LLMFactory) else f"{row.factory.name}: {row.llm_name}"
    report.notes.append(f"{name}: {reason}")


def _count(row: LLMFactory | LLM, outcome: str, report: CatalogReport) -> None:
    counter = report.factories if isinstance(row, LLMFactory) else report.models
    counter[outcome] += 1


def _write(model: Any, rows: list[Any], columns: tuple[str, ...]) -> None:
    for row in rows:
        row.updated_at = timezone.now()
    model.objects.bulk_update(rows, [*columns, "shipped", "updated_at"], batch_size=500)
