"""Prices: loaded ones are only shown, hand-set ones are added and ended."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from llmhub.admin.audited import AuditedAdmin, audited
from llmhub.admin.catalog_columns import figures
from providers.models import PRICE_FIGURES, Price
from providers.services import price_end, price_set


@admin.register(Price)
class PriceAdmin(AuditedAdmin):
    """A figure is never edited: from its beginning on, a new price takes the old one's place."""

    list_display = ("llm", "factory", "figures", "valid_from", "valid_until", "source")
    list_filter = ("source", "llm__factory")
    list_select_related = ("llm__factory",)
    search_fields = ("llm__llm_name", "llm__factory__name")
    ordering = ("llm__factory__name", "llm__llm_name", "-valid_from")
    autocomplete_fields = ("llm",)
    fields = ("llm", *PRICE_FIGURES, "tiers", "valid_from", "valid_until", "source_note")
    actions = ("end_now",)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"valid_from": timezone.now(), **initial}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and bool(super().has_change_permission(request))

    def row_create(self, request: HttpRequest, values: dict[str, Any]) -> Price:
        llm = values["llm"]
        with audited(request, "catalog.price.set") as change:
            return price_set(
                factory=llm.factory.name,
                llm_name=llm.llm_name,
                figures={name: values[name] for name in PRICE_FIGURES},
                tiers=values["tiers"] or [],
                valid_from=values["valid_from"],
                valid_until=values["valid_until"],
                note=values["source_note"],
                change=change,
            )

    @admin.action(description="End now (prices set by hand)")
    def end_now(self, request: HttpRequest, queryset: QuerySet[Price]) -> None:
        price_ids = list(queryset.values_list("pk", flat=True))
        with transaction.atomic():
            for price_id in price_ids:
                with audited(request, "catalog.price.end") as change:
                    price_end(price_id=price_id, change=change)
        messages.success(request, f"Ended: {len(price_ids)}.")

    @admin.display(description="factory", ordering="llm__factory__name")
    def factory(self, price: Price) -> str:
        return price.llm.factory.name

    @admin.display(description="figures")
    def figures(self, price: Price) -> str:
        return figures(price)
