"""The catalog's factories: kinds of provider, their models, what is switched off."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from llmhub.admin.audited import ReadOnlyInline, audited
from llmhub.admin.catalog_columns import origin, words
from llmhub.admin.catalog_forms import FactoryForm
from llmhub.admin.catalog_rows import CatalogRowAdmin
from providers.models import LLM, LLMFactory
from providers.services import factory_create, factory_revert, factory_update


class LLMInline(ReadOnlyInline):
    model = LLM
    fields = ("llm_name", "types", "context_tokens", "is_active", "deprecated_on", "origin")
    readonly_fields = ("types", "origin")
    ordering = ("llm_name",)

    @admin.display(description="types")
    def types(self, llm: LLM) -> str:
        return words(llm.model_types)

    @admin.display(description="values")
    def origin(self, llm: LLM) -> str:
        return origin(llm)


@admin.register(LLMFactory)
class FactoryAdmin(CatalogRowAdmin):
    form = FactoryForm
    list_display = ("picture", "name", "rank", "is_active", "tag_list", "model_count", "origin")
    list_display_links = ("name",)
    list_editable = ("rank",)
    list_filter = ("is_active", "is_local")
    search_fields = ("name",)
    ordering = ("-rank", "name")
    natural_key = ("name",)
    inlines = (LLMInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LLMFactory]:
        rows: QuerySet[LLMFactory] = super().get_queryset(request)
        return rows.annotate(models_in_catalog=Count("llms"))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "docs_url":
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def row_create(self, request: HttpRequest, values: dict[str, Any]) -> LLMFactory:
        rest = {column: value for column, value in values.items() if column != "name"}
        with audited(request, "catalog.factory.create") as change:
            return factory_create(name=values["name"], values=rest, change=change)

    def row_update(self, request: HttpRequest, obj: LLMFactory, values: dict[str, Any]) -> None:
        with audited(request, "catalog.factory.update") as change:
            factory_update(name=obj.name, values=values, change=change)

    def row_revert(self, request: HttpRequest, obj: LLMFactory) -> None:
        with audited(request, "catalog.factory.revert") as change:
            factory_revert(name=obj.name, change=change)

    @admin.display(description="")
    def picture(self, factory: LLMFactory) -> SafeString | str:
        if not factory.logo.endswith(".svg"):
            return factory.logo
        return format_html('<img src="{}" alt="" width="24" height="24">', static(factory.logo))

    @admin.display(description="tags")
    def tag_list(self, factory: LLMFactory) -> str:
        return words(factory.tags)

    @admin.display(description="models", ordering="models_in_catalog")
    def model_count(self, factory: LLMFactory) -> int:
        return int(getattr(factory, "models_in_catalog", 0))
