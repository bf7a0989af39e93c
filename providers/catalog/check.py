"""Comparing the hub's catalog with lists of facts about other catalogs.

A difference is explained by an entry of `differences.json`, or it is reported. An explanation that
explains nothing is reported as well: it is out of date.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from llmhub.base.model_types import ModelType
from providers.catalog.files import FactoryEntry, ModelEntry
from providers.catalog.reader import CatalogError, ObjectReader, json_read
from providers.catalog.sources import fact_source

EXPLANATIONS = Path(__file__).parent / "differences.json"

_KINDS = ("factory", "endpoint", "model", "types", "context")
# How fact files call the types.
_TYPES = {
    "vision": ModelType.IMAGE2TEXT,
    "ocr": ModelType.IMAGE2TEXT,
    "asr": ModelType.SPEECH2TEXT,
}
_NO_PROVIDER = ("local", "none", "not-implemented")


@dataclass(frozen=True)
class Difference:
    """`there` and `here` are what each side says; `source` is who says ours."""

    kind: str
    factory: str
    model: str
    there: str
    here: str
    source: str = ""

    def __str__(self) -> str:
        name = f"{self.factory}: {self.model}" if self.model else self.factory
        return f"{name}: {self.kind}: there {self.there or 'none'}, here {self.here or 'none'}"


@dataclass(frozen=True)
class Explanation:
    """Patterns of what it explains; `within_percent` is for figures that are rounded."""

    kind: str
    reason: str
    factory: str = "*"
    model: str = "*"
    there: str = "*"
    here: str = "*"
    source: str = "*"
    within_percent: int | None = None

    def explains(self, found: Difference) -> bool:
        return (
            self.kind == found.kind
            and fnmatchcase(found.factory, self.factory)
            and fnmatchcase(found.model, self.model)
            and fnmatchcase(found.there, self.there)
            and fnmatchcase(found.here, self.here)
            and fnmatchcase(found.source, self.source)
            and (self.within_percent is None or _is_within(found, self.within_percent))
        )


@dataclass(frozen=True)
class CheckResult:
    """`explained` are as many differences as each explanation explains."""

    unexplained: tuple[Difference, ...]
    explained: tuple[tuple[Explanation, int], ...]

    @property
    def unused(self) -> tuple[Explanation, ...]:
        return tuple(explanation for explanation, count in self.explained if not count)


def catalog_compare(
    entries: Iterable[FactoryEntry],
    *,
    factories: Path,
    models: Path,
    explanations: Path = EXPLANATIONS,
) -> CheckResult:
    """Compare with a JSON file of factories and a CSV file of models. Raises CatalogError."""
    catalog = {entry.name: entry for entry in entries}
    counts = dict.fromkeys(explanations_read(explanations), 0)
    unexplained = []
    for difference in [*_of_factories(catalog, factories), *_of_models(catalog, models)]:
        by = next((e for e in counts if e.explains(difference)), None)
        if by is None:
            unexplained.append(difference)
        else:
            counts[by] += 1
    return CheckResult(tuple(unexplained), tuple(counts.items()))


def explanations_read(path: Path) -> list[Explanation]:
    """The entries of `differences`, in their order: the first that fits explains."""
    reader = json_read(path)
    found = [_explanation(entry) for entry in reader.objects("differences")]
    reader.finish()
    return found


def _explanation(reader: ObjectReader) -> Explanation:
    kind = reader.text("kind")
    if kind not in _KINDS:
        raise reader.fail("kind", "wants one of " + ", ".join(_KINDS))
    patterns = {
        name: reader.text(name, "*") for name in ("factory", "model", "there", "here", "source")
    }
    found = Explanation(
        kind=kind,
        reason=reader.text("reason"),
        within_percent=reader.integer("within_percent", 1, 100, None),
        **patterns,
    )
    reader.finish()
    return found


def _of_factories(catalog: dict[str, FactoryEntry], path: Path) -> Iterator[Difference]:
    for fact in _json(path)["factories"]:
        name, protocols = fact["name"], fact["protocols"]
        entry = catalog.get(name)
        if entry is None:
            there = ", ".join(sorted({str(p["protocol"]) for p in protocols.values()}))
            yield Difference("factory", name, "", there or "no protocol", "")
            continue
        for model_type, protocol in protocols.items():
            is_served = _TYPES.get(model_type, model_type) in entry.endpoints
            if not is_served and not str(protocol["protocol"]).startswith(_NO_PROVIDER):
                yield Difference("endpoint", name, "", model_type, "")


def _of_models(catalog: dict[str, FactoryEntry], path: Path) -> Iterator[Difference]:
    known = {(f.name, m.llm_name): m for f in catalog.values() for m in f.models}
    for row in _rows(path):
        factory, name = row["factory"], row["model"]
        model = known.get((factory, name))
        if model is None:
            yield Difference("model", factory, name, row["types"], "")
        else:
            yield from _of_model(model, factory, row)


def _of_model(model: ModelEntry, factory: str, row: dict[str, str]) -> Iterator[Difference]:
    there = {_TYPES.get(word, word) for word in row["types"].split("+")}
    if there - set(model.model_types):
        here = "+".join(model.model_types)
        source = fact_source(model.sources, "types")
        yield Difference("types", factory, model.llm_name, row["types"], here, source)
    tokens = row["max_tokens"] if row["max_tokens"] != "0" else ""
    here = str(model.context_tokens or "")
    if tokens != here:
        source = fact_source(model.sources, "context_tokens")
        yield Difference("context", factory, model.llm_name, tokens, here, source)


def _is_within(found: Difference, percent: int) -> bool:
    if not found.there.isdigit() or not found.here.isdigit():
        return False
    there, here = int(found.there), int(found.here)
    return abs(there - here) * 100 <= percent * max(there, here)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogError(f"{path.name}: cannot be read: {error}") from None


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise CatalogError(f"{path.name}: cannot be read: {error.strerror}") from None
