"""Bringing the prices of the installed `genai-prices` into the catalog, between the hub's releases.

The package's table is as young as the package: an operator upgrades it, and the next run takes the
new figures over. Prices set by hand stay before all others; models are never added or changed.
"""

import hashlib

from django.db import transaction
from django.utils import timezone

from providers.catalog.files import SHIPPED, FactoryEntry, catalog_read
from providers.catalog.genai_prices import PACKAGE, PricePackage
from providers.catalog.load_marks import (
    files_fingerprint,
    mark_set,
    mark_stands,
    one_load_at_a_time,
    version_loaded,
)
from providers.catalog.price_loader import ModelPrices, prices_load
from providers.catalog.report import CatalogReport
from providers.models import LLM, PriceSource
from providers.names import is_older_version

_SOURCES = frozenset({PriceSource.GENAI_PRICES.value})


def prices_sync() -> CatalogReport:
    """Take over the prices that the package knows for the models of the catalog.

    One transaction; a second run with the same package and models writes nothing. A model that the
    package does not know keeps the prices it has. Raises NotSupported where the package is not
    installed.
    """
    package = PricePackage()
    llms = list(LLM.objects.select_related("factory").order_by("pk"))
    fingerprint = _fingerprint(package.version, llms)
    if mark_stands(PACKAGE, fingerprint):
        return CatalogReport(is_current=True)
    entries = {entry.name: entry for entry in catalog_read(SHIPPED)}
    if newest := _newer_elsewhere(package.version, list(entries.values())):
        note = f"{PACKAGE} {package.version} is older than {newest}, which was loaded before"
        return CatalogReport(notes=[note])
    report = CatalogReport()
    with transaction.atomic():
        one_load_at_a_time()
        prices_load(_known_prices(package, llms, entries), report)
        mark_set(PACKAGE, fingerprint, package.version)
    return report


def _fingerprint(version: str, llms: list[LLM]) -> str:
    digest = hashlib.sha256(f"{version} {files_fingerprint(SHIPPED)}".encode())
    for llm in llms:
        digest.update(f"{llm.pk} {llm.llm_name}\n".encode())
    return digest.hexdigest()


def _newer_elsewhere(version: str, entries: list[FactoryEntry]) -> str:
    """The version that the files, or a sync before, had; empty where this one is no older."""
    known = [entry.known_as[PACKAGE].version for entry in entries if PACKAGE in entry.known_as]
    newer = [v for v in [*known, version_loaded(PACKAGE)] if is_older_version(version, v)]
    return newer[0] if newer else ""


def _known_prices(
    package: PricePackage, llms: list[LLM], entries: dict[str, FactoryEntry]
) -> list[ModelPrices]:
    now = timezone.now()
    found = []
    for llm in llms:
        entry = entries.get(llm.factory.name)
        known = entry.known_as.get(PACKAGE) if entry else None
        if known is None or known.ignores(llm.llm_name):
            continue
        prices = package.prices(known.ids, llm.llm_name)
        ahead = tuple(p for p in prices if p.valid_until is None or p.valid_until > now)
        if ahead:
            found.append(ModelPrices(llm, ahead, _SOURCES))
    return found
