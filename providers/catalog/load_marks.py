"""What was loaded last: a load of the same again costs one query and no reading."""

import hashlib
from pathlib import Path

from django.db import connection

from providers.catalog.files import FACTORY_COLUMNS, MODEL_COLUMNS
from providers.models import LLM, PRICE_FIGURES, CatalogLoad, LLMFactory, Price

FILES = "files"

_LOCK = 0x6C6C6D01
_TABLES = (LLMFactory, LLM, Price)


def files_fingerprint(folder: Path) -> str:
    """Of the folder's files and of the columns that they fill: both change with a release."""
    digest = hashlib.sha256(repr((FACTORY_COLUMNS, MODEL_COLUMNS, PRICE_FIGURES)).encode())
    for path in sorted(folder.glob("*.json")):
        digest.update(path.name.encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def mark_stands(source: str, fingerprint: str) -> bool:
    """Whether this was loaded last, and no row of the catalog has gone since."""
    mark = CatalogLoad.objects.filter(source=source, fingerprint=fingerprint).first()
    return mark is not None and _rows() >= mark.rows


def mark_set(source: str, fingerprint: str, version: str = "") -> None:
    CatalogLoad.objects.update_or_create(
        source=source, defaults={"fingerprint": fingerprint, "version": version, "rows": _rows()}
    )


def mark_forget(source: str) -> None:
    """After a load from elsewhere, which may have changed the same rows."""
    CatalogLoad.objects.filter(source=source).update(fingerprint="")


def version_loaded(source: str) -> str:
    """Of a package; empty where nothing was loaded from it."""
    return CatalogLoad.objects.filter(source=source).values_list("version", flat=True).first() or ""


def one_load_at_a_time() -> None:
    """Until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _rows() -> int:
    return sum(table.objects.count() for table in _TABLES)
