"""The catalog's models, each with the history of its prices."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from llmhub.admin.audited import ReadOnlyInline, audited
from llmhub.admin.catalog_columns import RetirementFilter, TypeFilter, figures, sources, words
from llmhub.admin.catalog_forms import LLMForm
from llmhub.admin.catalog_rows import CatalogRowAdmin
from providers.models import LLM, Price
from providers.services import llm_create, llm_revert, llm_update


class PriceInline(ReadOnlyInline):
    model = Price
    verbose_name_plural = "price history, in USD per million tokens where no unit is named"
    fields = ("figures", "valid_from", "valid_until", "source", "source_note")
    readonly_fields = ("figures",)
    ordering = ("-valid_from", "source")

    @admin.display(description="figures")
    def figures(self, price: Price) -> str:
        return figures(price)


@admin.register(LLM)
class LLMAdmin(CatalogRowAdmin):
    form = LLMForm
    list_display = (
        "llm_name",
        "factory",
        "types",
        "context_tokens",
        "is_active",
        "deprecated_on",
        "origin",
    )
    list_filter = ("factory", TypeFilter, "is_active", RetirementFilter)
    list_select_related = ("factory",)
    search_fields = ("llm_name", "factory__name")
    ordering = ("factory__name", "llm_name")
    autocomplete_fields = ("factory",)
    natural_key = ("factory", "llm_name")
    readonly_fields = ("overrides", "said_by", "set_price")
    inlines = (PriceInline,)

    def row_create(self, request: HttpRequest, values: dict[str, Any]) -> LLM:
        key = {"factory": values["factory"].name, "llm_name": values["llm_name"]}
        rest = {column: value for column, value in values.items() if column not in key}
        with audited(request, "catalog.model.create") as change:
            return llm_create(**key, values=rest, change=change)

    def row_update(self, request: HttpRequest, obj: LLM, values: dict[str, Any]) -> None:
        with audited(request, "catalog.model.update") as change:
            llm_update(
                factory=obj.factory.name, llm_name=obj.llm_name, values=values, change=change
            )

    def row_revert(self, request: HttpRequest, obj: LLM) -> None:
        with audited(request, "catalog.model.revert") as change:
            llm_revert(factory=obj.factory.name, llm_name=obj.llm_name, change=change)

    @admin.display(description="types")
    def types(self, llm: LLM) -> str:
        return words(llm.model_types)

    @admin.display(description="sources")
    def said_by(self, llm: LLM) -> str:
        return sources(llm)

    @admin.display(description="price")
    def set_price(self, llm: LLM) -> SafeString | str:
        if llm.pk is None:
            return "Save the model first."
        address = reverse("admin:providers_price_add")
        return format_html('<a href="{}?llm={}">Set a price by hand</a>', address, llm.pk)
