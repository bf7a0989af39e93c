"""The refresh of a whole folder of catalog files."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from providers.catalog.files import catalog_read
from tools.catalog.disagreements import Disagreement, disagreements, report_text
from tools.catalog.refresh import models_refresh
from tools.catalog.sources import Sources
from tools.catalog.writer import catalog_write


def catalog_refresh(
    *, folder: Path, litellm_wheel: Path, report: Path, today: date
) -> Iterator[str]:
    """Rewrite the files of `folder` and the report; give a line for each file that changed."""
    sources = Sources(litellm_wheel)
    found: list[Disagreement] = []
    for entry in catalog_read(folder):
        path = next(p for p in folder.glob("*.json") if _name(p) == entry.name)
        factory = json.loads(path.read_text(encoding="utf-8"))
        factory["models"], refreshed = models_refresh(
            factory["models"],
            known_as=entry.known_as,
            served=entry.endpoints,
            sources=sources,
            today=today,
        )
        _versions_note(factory, sources)
        found += disagreements(entry.name, factory["models"], entry.known_as, sources)
        if _write(path, factory, today):
            yield (
                f"{path.name}: {len(refreshed.added)} added, {len(refreshed.changed)} changed, "
                f"{len(factory['models'])} models"
            )
        if refreshed.orphans:
            yield f"{path.name}: no source knows any more: {', '.join(refreshed.orphans)}"
    report.write_text(report_text(found, sources.versions), encoding="utf-8")
    catalog_read(folder)


def _name(path: Path) -> str:
    return str(json.loads(path.read_text(encoding="utf-8"))["name"])


def _versions_note(factory: dict[str, Any], sources: Sources) -> None:
    for package, known in factory.get("sources", {}).items():
        known["version"] = sources.versions[package]


def _write(path: Path, factory: dict[str, Any], today: date) -> bool:
    """A file gets today's date with its change, and only then."""
    if not catalog_write(path, factory):
        return False
    if factory["revised"] < today.isoformat():
        factory["revised"] = today.isoformat()
        catalog_write(path, factory)
    return True
