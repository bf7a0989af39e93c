"""Where the sources say different things about a figure: what was taken, and what was not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from providers.catalog.sources import EVERY_FACT, FactSource, KnownAs, fact_source
from tools.catalog.sources import Sources, Told

# Rounding: 128,000 and 131,072 are meant as the same window.
_ALIKE = Decimal("0.05")
_LIMITS = ("context_tokens", "max_output_tokens")
_RATES = ("input_usd_per_mtok", "output_usd_per_mtok")

_INTRODUCTION = """# Where the catalog's sources disagree

Written by `make catalog`; do not edit. Read from {versions}.
A line says what the catalog took, from whom, and what the others say. Limits that differ by less
than 5 % are rounded differently and are left out, and so are rates that differ by less than 1 %.
Rates are USD per million tokens, of the price that holds first. `provider` is the provider's own
page, read by a person.

| Factory | Disagreements |
|---|---|
{summary}
"""


@dataclass(frozen=True)
class Disagreement:
    factory: str
    llm_name: str
    figure: str
    taken: str
    taken_from: str
    others: tuple[tuple[str, str], ...]


def disagreements(
    factory: str, models: list[dict[str, Any]], known_as: Mapping[str, KnownAs], sources: Sources
) -> list[Disagreement]:
    told = {name.lower(): tellers for name, tellers in sources.models(known_as).items()}
    found = []
    for model in models:
        tellers = told.get(model["name"].lower(), [])
        window = sources.context_tokens(known_as, model["name"])
        found += list(_of_limits(factory, model, tellers, window))
        found += list(_of_rates(factory, model, tellers))
    return found


def report_text(found: list[Disagreement], versions: Mapping[FactSource, str]) -> str:
    groups = [(name, list(group)) for name, group in groupby(found, lambda d: d.factory)]
    introduction = _INTRODUCTION.format(
        versions=", ".join(f"{package} {version}" for package, version in versions.items()),
        summary="\n".join(f"| {name} | {len(group)} |" for name, group in groups),
    )
    return introduction + "".join(_section(name, group) for name, group in groups)


def _of_limits(
    factory: str, model: dict[str, Any], tellers: list[Told], window: int | None
) -> Iterator[Disagreement]:
    by_fact = {EVERY_FACT: model.get("source", ""), **model.get("sources", {})}
    for fact in _LIMITS:
        taken = model.get(fact)
        others = {t.source.value: getattr(t.facts, fact) for t in tellers}
        if fact == "context_tokens":
            others[FactSource.GENAI_PRICES.value] = window
        others.pop(fact_source(by_fact, fact), None)
        different = [(s, f"{n:,}") for s, n in others.items() if taken and n and _differ(taken, n)]
        if different:
            source = fact_source(by_fact, fact)
            yield Disagreement(factory, model["name"], fact, f"{taken:,}", source, tuple(different))


def _of_rates(factory: str, model: dict[str, Any], tellers: list[Told]) -> Iterator[Disagreement]:
    price = next(iter(model.get("prices", [])), None)
    if price is None:
        return
    taken_from = price.get("note", "") if price["source"] == "shipped" else price["source"]
    for rate in _RATES:
        others = [
            (teller.source.value, entry[rate])
            for teller in tellers
            for entry in teller.facts.prices
            if rate in entry and not taken_from.startswith(teller.source.value)
        ]
        taken = price.get(rate)
        different = [(s, f) for s, f in others if taken and _differ(taken, f, Decimal("0.01"))]
        if different:
            yield Disagreement(
                factory, model["name"], rate, taken, taken_from.partition(" ")[0], tuple(different)
            )


def _differ(one: Any, other: Any, alike: Decimal = _ALIKE) -> bool:
    a, b = Decimal(str(one)), Decimal(str(other))
    return abs(a - b) > alike * max(a, b)


def _section(factory: str, found: list[Disagreement]) -> str:
    lines = [f"\n## {factory}\n\n"]
    for model, group in groupby(found, lambda d: d.llm_name):
        figures = "; ".join(_figure(disagreement) for disagreement in group)
        lines.append(f"- `{model}`: {figures}\n")
    return "".join(lines)


def _figure(found: Disagreement) -> str:
    others = ", ".join(f"{figure} ({source})" for source, figure in found.others)
    name = found.figure.removesuffix("_usd_per_mtok").removesuffix("_tokens").replace("_", " ")
    return f"{name} {found.taken} ({found.taken_from}), not {others}"
