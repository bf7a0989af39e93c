"""Bringing a factory's file up to date: what was written by hand stays, the rest follows sources.

Nothing is removed: a model that no source knows any more stays, and is reported.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from llmhub.base.model_types import ModelType
from providers.catalog.sources import EVERY_FACT, FACTS, FactSource, KnownAs, fact_source
from providers.models import Capability
from tools.catalog.facts import ModelFacts
from tools.catalog.price_entries import holding, is_refreshed
from tools.catalog.sources import Sources, Told

Entry = dict[str, Any]

OFFERED_AFTER_RETIREMENT = timedelta(days=184)
_BY_HAND = FactSource.PROVIDER.value


@dataclass
class Refreshed:
    """What became of a factory's models."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Factory:
    known_as: Mapping[str, KnownAs]
    served: frozenset[str]
    today: date


def models_refresh(
    models: list[Entry],
    *,
    known_as: Mapping[str, KnownAs],
    served: Iterable[str],
    sources: Sources,
    today: date,
) -> tuple[list[Entry], Refreshed]:
    """The models of a file, refreshed and in the order of their names. `served` are the types that
    the factory has an endpoint for."""
    factory = _Factory(known_as, frozenset(served), today)
    report = Refreshed()
    told = sources.models(known_as)
    existing = {entry["name"].lower(): entry for entry in models}
    refreshed = []
    for name, tellers in told.items():
        entry = existing.pop(name.lower(), None)
        if entry is None and not _is_worth_adding(tellers, factory):
            continue
        refreshed.append(_refreshed(entry, name, tellers, sources, factory))
        _note(report, entry, refreshed[-1])
    for entry in existing.values():
        refreshed.append(_refreshed(entry, entry["name"], [], sources, factory))
        _note(report, entry, refreshed[-1])
        if _has_a_source(entry) and not sources.has_prices(known_as, entry["name"]):
            report.orphans.append(entry["name"])
    return sorted(refreshed, key=lambda entry: (entry["name"].lower(), entry["name"])), report


def _is_worth_adding(tellers: list[Told], factory: _Factory) -> bool:
    """Not what is of no served type, nor what was retired long ago."""
    retired = next((t.facts.deprecated_on for t in tellers if t.facts.deprecated_on), None)
    if retired and retired <= factory.today - OFFERED_AFTER_RETIREMENT:
        return False
    return bool(_types(tellers[0].facts, factory))


def _refreshed(
    old: Entry | None, name: str, tellers: list[Told], sources: Sources, factory: _Factory
) -> Entry:
    old = old or {"name": name}
    window = sources.context_tokens(factory.known_as, old["name"])
    if window:
        told = ModelFacts(llm_name=name, context_tokens=window)
        tellers = [*tellers, Told(FactSource.GENAI_PRICES, told)]
    values, said_by = _facts(old, tellers, factory)
    entry: Entry = {"name": old["name"], **values, **_activity(old, values, factory)}
    entry |= _source_keys(said_by)
    prices = _prices(old, tellers, sources, factory)
    return entry | ({"prices": prices} if prices else {})


def _facts(
    old: Entry, tellers: list[Told], factory: _Factory
) -> tuple[dict[str, Any], dict[str, str]]:
    """The facts, and who says each of them."""
    old_sources = {EVERY_FACT: old.get("source", ""), **old.get("sources", {})}
    values: dict[str, Any] = {}
    said_by: dict[str, str] = {}
    for fact in FACTS:
        source = fact_source(old_sources, fact)
        value = old.get(fact)
        # What a person wrote stays; what they left out may be known elsewhere.
        is_by_hand = source == _BY_HAND and (value or fact in ("types", "capabilities"))
        if not is_by_hand:
            value, source = _believed(fact, tellers, factory) or (value, source)
        if value:
            values[fact], said_by[fact] = value, source
    return _consistent(values, said_by)


def _believed(fact: str, tellers: list[Told], factory: _Factory) -> tuple[Any, str] | None:
    for teller in tellers:
        value = _value(fact, teller.facts, factory)
        if value:
            extra = _parallel_tools(value, tellers) if fact == "capabilities" else []
            source = "+".join(dict.fromkeys([teller.source.value, *(s for _, s in extra)]))
            return ([*value, *(v for v, _ in extra)] if extra else value), source
    return None


def _value(fact: str, facts: ModelFacts, factory: _Factory) -> Any:
    if fact == "types":
        return _types(facts, factory)
    value = getattr(facts, fact)
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _types(facts: ModelFacts, factory: _Factory) -> list[str]:
    return [t.value for t in ModelType if t in facts.types and t in factory.served]


def _parallel_tools(value: list[str], tellers: list[Told]) -> list[tuple[str, str]]:
    """The one capability that the first source has no word for."""
    name = Capability.PARALLEL_TOOLS.value
    if "tools" not in value or name in value:
        return []
    return [(name, t.source.value) for t in tellers if name in t.facts.capabilities][:1]


def _consistent(
    values: dict[str, Any], said_by: dict[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Vision and image2text say the same thing; an output limit above the window is a mistake."""
    types, capabilities = values.get("types", []), values.get("capabilities", [])
    if "image2text" in types and "vision" not in capabilities:
        values["capabilities"] = [*capabilities, "vision"]
        said_by.setdefault("capabilities", said_by["types"])
    if "image2text" not in types and "vision" in capabilities:
        values["capabilities"] = [name for name in capabilities if name != "vision"]
    if values.get("capabilities"):
        order = [capability.value for capability in Capability]
        values["capabilities"] = sorted(values["capabilities"], key=order.index)
    if values.get("max_output_tokens", 0) > values.get("context_tokens", 10**9):
        del values["max_output_tokens"], said_by["max_output_tokens"]
    return {f: values[f] for f in FACTS if values.get(f)}, said_by


def _activity(old: Entry, values: dict[str, Any], factory: _Factory) -> Entry:
    """Off where it retired long ago, and where a person switched it off for another reason."""
    is_off_by_hand = old.get("is_active") is False and not _is_long_retired(old, factory)
    is_off = is_off_by_hand or _is_long_retired(values, factory)
    return {"is_active": False} if is_off else {}


def _is_long_retired(entry: Entry, factory: _Factory) -> bool:
    retired = entry.get("deprecated_on")
    limit = factory.today - OFFERED_AFTER_RETIREMENT
    return retired is not None and date.fromisoformat(retired) <= limit


def _source_keys(said_by: dict[str, str]) -> Entry:
    """`source` for who says most of it, `sources` for the rest."""
    if not said_by:
        return {}
    sources = list(said_by.values())
    main = max(dict.fromkeys(sources), key=sources.count)
    others = {fact: source for fact, source in said_by.items() if source != main}
    return {"source": main, **({"sources": others} if others else {})}


def _prices(
    old: Entry, tellers: list[Told], sources: Sources, factory: _Factory
) -> list[dict[str, Any]]:
    by_hand = [price for price in old.get("prices", []) if not is_refreshed(price)]
    if by_hand:
        return by_hand
    found = sources.prices(factory.known_as, old["name"])
    if not found:
        found = next((list(t.facts.prices) for t in tellers if t.facts.prices), [])
    return holding(found, factory.today)


def _has_a_source(entry: Entry) -> bool:
    said = {entry.get("source"), *entry.get("sources", {}).values()}
    return bool(said - {None, _BY_HAND, FactSource.PREDECESSOR.value})


def _note(report: Refreshed, old: Entry | None, new: Entry) -> None:
    if old is None:
        report.added.append(new["name"])
    elif old != new:
        report.changed.append(new["name"])
