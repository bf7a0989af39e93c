"""What the pages of factories and of models have in common: switching, and the shipped values."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest
from django.utils.safestring import SafeString

from llmhub.admin.audited import AuditedAdmin
from llmhub.admin.catalog_columns import origin, overrides_table

Row = Any


class CatalogRowAdmin(AuditedAdmin):
    """Subclasses give `row_revert`, besides what AuditedAdmin asks for."""

    list_per_page = 50
    readonly_fields: ClassVar[tuple[str, ...]] = ("overrides",)
    natural_key: tuple[str, ...] = ()
    actions = ("switch_on", "switch_off", "return_to_shipped")

    def row_revert(self, request: HttpRequest, obj: Row) -> None:
        raise NotImplementedError

    def get_readonly_fields(self, request: HttpRequest, obj: Row = None) -> tuple[str, ...]:
        """Tenants refer to a row by its natural key: it never changes."""
        return (*self.readonly_fields, *self.natural_key) if obj else self.readonly_fields

    @admin.action(description="Switch on")
    def switch_on(self, request: HttpRequest, queryset: Iterable[Row]) -> None:
        self._each(
            request, queryset, lambda row: self.row_update(request, row, {"is_active": True})
        )

    @admin.action(description="Switch off")
    def switch_off(self, request: HttpRequest, queryset: Iterable[Row]) -> None:
        off = {"is_active": False}
        self._each(request, queryset, lambda row: self.row_update(request, row, off))

    @admin.action(description="Return to shipped values")
    def return_to_shipped(self, request: HttpRequest, queryset: Iterable[Row]) -> None:
        self._each(request, queryset, lambda row: self.row_revert(request, row))

    @admin.display(description="values")
    def origin(self, row: Row) -> str:
        return origin(row)

    @admin.display(description="changed by hand")
    def overrides(self, row: Row) -> SafeString | str:
        return overrides_table(row)

    def _each(
        self, request: HttpRequest, queryset: Iterable[Row], act: Callable[[Row], None]
    ) -> None:
        """All of them, or none."""
        rows = list(queryset)
        with transaction.atomic():
            for row in rows:
                act(row)
        messages.success(request, f"Done: {len(rows)}.")
