"""The facts of the table `model_prices_and_context_window_backup.json` inside litellm's wheel."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from providers.models import PriceSource
from tools.catalog.facts import ModelFacts, PriceJSON
from tools.catalog.figures import decimal, is_free, per_mtok, written
from tools.catalog.model_names import is_served

PACKAGE = "litellm"

_TABLE = "litellm/model_prices_and_context_window_backup.json"
_WHEEL = re.compile(r"litellm-([^-]+)-.*\.whl")
_TYPES = {
    "chat": "chat",
    "embedding": "embedding",
    "rerank": "rerank",
    "audio_transcription": "speech2text",
    "audio_speech": "tts",
    "ocr": "image2text",
}
_CAPABILITIES = {
    "tools": "supports_function_calling",
    "parallel_tools": "supports_parallel_function_calling",
    "reasoning": "supports_reasoning",
    "json_schema": "supports_response_schema",
    "vision": "supports_vision",
    "pdf": "supports_pdf_input",
    "audio_input": "supports_audio_input",
    "audio_output": "supports_audio_output",
    "prompt_caching": "supports_prompt_caching",
}
_COSTS = {
    "input_usd_per_mtok": "input_cost_per_token",
    "output_usd_per_mtok": "output_cost_per_token",
    "cached_input_usd_per_mtok": "cache_read_input_token_cost",
    "cache_write_usd_per_mtok": "cache_creation_input_token_cost",
    "input_audio_usd_per_mtok": "input_cost_per_audio_token",
    "output_audio_usd_per_mtok": "output_cost_per_audio_token",
}
_OPENAI_WINDOWS = {400_000, 1_050_000}
_ABOVE = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")


class LiteLLMTable:
    """Read from the wheel, which is not installed: it would bring a hundred packages."""

    def __init__(self, wheel: Path) -> None:
        matched = _WHEEL.fullmatch(wheel.name)
        if matched is None:
            raise ValueError(f"{wheel.name} is not a wheel of litellm")
        self.version = matched[1]
        with ZipFile(wheel) as content:
            table: dict[str, dict[str, Any]] = json.loads(content.read(_TABLE))
        self._rows = {name: row for name, row in table.items() if name != "sample_spec"}

    def facts(self, provider_ids: Iterable[str]) -> list[ModelFacts]:
        """Of every model of these providers that the hub can serve, by the provider's own name."""
        found: dict[str, ModelFacts] = {}
        for id_ in provider_ids:
            for key, row in self._of(id_):
                name = _own_name(key, id_)
                if name is not None and name not in found and _model_type(name, row):
                    found[name] = self._facts(name, row)
        return list(found.values())

    def unserved(self, provider_ids: Iterable[str]) -> set[str]:
        """Names that the table knows, of work that the hub does not do: it outweighs a source that
        only lists them."""
        names: dict[str, bool] = {}
        for id_ in provider_ids:
            for key, row in self._of(id_):
                name = _own_name(key, id_)
                if name is not None:
                    names[name] = names.get(name, False) or bool(_model_type(name, row))
        return {name for name, is_served in names.items() if not is_served}

    def _of(self, provider_id: str) -> Iterable[tuple[str, dict[str, Any]]]:
        return ((k, r) for k, r in self._rows.items() if r.get("litellm_provider") == provider_id)

    def _facts(self, name: str, row: Mapping[str, Any]) -> ModelFacts:
        model_type = _model_type(name, row)
        is_in_tokens = model_type in {"chat", "embedding", "rerank"}
        context = _window(row) if is_in_tokens else None
        return ModelFacts(
            llm_name=name,
            types=_types(model_type, row),
            capabilities=_capabilities(model_type, row),
            context_tokens=context,
            max_output_tokens=_count(row.get("max_output_tokens"))
            if model_type == "chat"
            else None,
            deprecated_on=_day(row.get("deprecation_date")),
            prices=self._prices(model_type, row),
        )

    def _prices(self, model_type: str, row: Mapping[str, Any]) -> tuple[PriceJSON, ...]:
        """None where everything is 0, or where the rates depend on other ranges of the input."""
        figures = written(_figures(row) | _other_figures(model_type, row))
        if not figures or is_free(figures):
            return ()
        tiers = _tiers(row)
        return (
            {
                **figures,
                **({"tiers": tiers} if tiers else {}),
                "source": PriceSource.SHIPPED.value,
                "note": f"{PACKAGE} {self.version}",
            },
        )


def _own_name(key: str, provider_id: str) -> str | None:
    """The name in the provider's own API; None for rows of one region or of a fine-tuned model."""
    base = provider_id.partition("-")[0]
    head, slash, rest = key.partition("/")
    is_prefixed = bool(slash) and head in {provider_id, base, "bedrock"}
    name = rest if is_prefixed else key
    if head == "bedrock" or (base in {"azure", "bedrock", "bedrock_converse"} and "/" in name):
        return None
    return name or None


def _model_type(name: str, row: Mapping[str, Any]) -> str:
    mode = row.get("mode")
    endpoints = row.get("supported_endpoints") or []
    if mode == "responses" and "/v1/chat/completions" in endpoints:
        mode = "chat"
    if mode == "chat" and endpoints and "/v1/chat/completions" not in endpoints:
        mode = "other"
    return _TYPES.get(str(mode), "") if is_served(name) else ""


def _types(model_type: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    sees = model_type == "chat" and bool(row.get("supports_vision"))
    return (model_type, "image2text") if sees else (model_type,)


def _capabilities(model_type: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    if model_type == "image2text":
        return ("vision", "ocr")
    if model_type != "chat":
        return ()
    return ("streaming", *(name for name, key in _CAPABILITIES.items() if row.get(key)))


def _figures(row: Mapping[str, Any], suffix: str = "") -> dict[str, Decimal | None]:
    return {ours: per_mtok(row.get(theirs + suffix)) for ours, theirs in _COSTS.items()}


def _other_figures(model_type: str, row: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """Units other than tokens, where they are what the type is billed by."""
    others: dict[str, Decimal | None] = {}
    if model_type == "tts":
        others["usd_per_mchar"] = per_mtok(row.get("input_cost_per_character"))
    if model_type == "speech2text":
        others["usd_per_second"] = decimal(row.get("input_cost_per_second"))
    if model_type in {"rerank", "embedding"}:
        per_query = decimal(row.get("input_cost_per_query"))
        others["usd_per_request"] = per_query
        if per_query:
            others |= dict.fromkeys(_COSTS)
    if model_type in {"rerank", "embedding", "tts", "speech2text"}:
        others |= {name: None for name in _COSTS if not per_mtok(row.get(_COSTS[name]))}
    return others


def _tiers(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    thousands = sorted(int(m[1]) for m in map(_ABOVE.fullmatch, row) if m)
    return [
        {"above_input_tokens": k * 1000, **written(_figures(row, f"_above_{k}k_tokens"))}
        for k in thousands
    ]


def _window(row: Mapping[str, Any]) -> int | None:
    """The rows of OpenAI's newer models name what is left of the window for the input."""
    given, made = _count(row.get("max_input_tokens")), _count(row.get("max_output_tokens"))
    if given and made and given + made in _OPENAI_WINDOWS:
        return given + made
    return given


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except (TypeError, ValueError):
        return None
