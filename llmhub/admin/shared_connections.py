"""Shared connections: built-in, self-hosted and public models that the operator grants to tenants.

No page here calls a provider: it shows what the last test found, and tests run in the background.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django_tenants.utils import get_public_schema_name
from unfold.admin import TabularInline
from unfold.decorators import display

from llmhub.admin.audited import AuditedAdmin, actor_of, told
from llmhub.admin.form_page import form_page
from llmhub.admin.shared_connection_forms import (
    FactoryChoiceForm,
    SharedModelForm,
    SharedModelFormSet,
    connection_form,
    credential_names,
)
from llmhub.base.errors import NotFound
from llmhub.celery import app
from providers.pricing import FIGURE_NAMES
from providers.selectors import CatalogFactory, factory_get
from tenants.llms.recheck import recheck_ask
from tenants.models import SharedConnection, SharedModel, Tenant
from tenants.platform import platform_get
from tenants.services.shared_connections import (
    shared_connection_delete,
    shared_connection_save,
    shared_connection_set_enabled,
)
from tenants.templatetags.hub_pages import STATE_COLOURS


class SharedModelInline(TabularInline):
    model = SharedModel
    form = SharedModelForm
    formset = SharedModelFormSet
    fields = ("llm_name", "model_type", "max_tokens", *FIGURE_NAMES)
    verbose_name_plural = "models"
    extra = 1
    hide_title = True


@admin.register(SharedConnection)
class SharedConnectionAdmin(AuditedAdmin):
    list_display = (
        "name",
        "provider",
        "state_label",
        "model_count",
        "granted",
        "key",
        "switched_on",
        "last_test",
    )
    list_filter = ("state", "is_enabled", "llm_factory")
    search_fields = ("name", "llm_factory", "shared_models__llm_name")
    ordering = ("llm_factory", "name")
    autocomplete_fields = ("granted_to",)
    inlines = (SharedModelInline,)
    actions = ("check_now", "switch_on", "switch_off")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SharedConnection]:
        rows: QuerySet[SharedConnection] = super().get_queryset(request)
        return rows.annotate(
            models=Count("shared_models", distinct=True), tenants=Count("granted_to", distinct=True)
        )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """In two steps: the provider, then the form with what it asks for."""
        if request.GET.get("llm_factory") or not self.has_add_permission(request):
            page: HttpResponse = super().add_view(request, form_url, extra_context)
            return page
        return form_page(
            request,
            self,
            FactoryChoiceForm(),
            title="Add shared connection",
            lead="Which provider does it lead to? The next page asks for its address and key.",
            submit_label="Next",
            is_search=True,
        )

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = connection_form(_factory(request, obj), is_new=obj is None)
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        names = credential_names(_factory(request, obj))
        stored = ("key",) if obj else ()
        sections = [
            (None, {"fields": ("provider", "name")}),
            ("Address and key", {"fields": ("base_url", *stored, *names)}),
            ("Granted to", {"fields": ("is_granted_to_all", "granted_to")}),
        ]
        last_test = {"fields": ("state", "state_message", "checked_at", "switched_on")}
        return [*sections, ("Last test", last_test)] if obj else sections

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Tenants' models refer to provider and name: they never change."""
        fixed = ("provider", "key", "state", "state_message", "checked_at", "switched_on")
        return (*fixed, "name") if obj else fixed

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = Tenant.objects.exclude(schema_name=get_public_schema_name())
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"name": "default"}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Connection, models and grants are one change: save_related hands them on together."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        models = next(iter(formsets)).facts()
        row = shared_connection_save(facts=form.facts(models), actor=actor_of(request))
        form.instance.pk = row.pk
        form.instance._state.adding = False
        if row.checked_at is None:
            transaction.on_commit(lambda: _check(request, [row]))

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        return super().construct_change_message(request, form, [], add)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.has_change_permission(request, obj))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        page = super().delete_view
        return told(request, lambda: page(request, object_id, extra_context))

    def delete_model(self, request: HttpRequest, obj: SharedConnection) -> None:
        shared_connection_delete(row=obj, actor=actor_of(request))

    @admin.action(description="Test now")
    def check_now(self, request: HttpRequest, queryset: QuerySet[SharedConnection]) -> None:
        _check(request, list(queryset))

    @admin.action(description="Switch on")
    def switch_on(self, request: HttpRequest, queryset: QuerySet[SharedConnection]) -> None:
        self._set_enabled(request, queryset, True)

    @admin.action(description="Switch off")
    def switch_off(self, request: HttpRequest, queryset: QuerySet[SharedConnection]) -> None:
        self._set_enabled(request, queryset, False)

    @display(description="state", ordering="state", label=STATE_COLOURS)
    def state_label(self, row: SharedConnection) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @admin.display(description="provider", ordering="llm_factory")
    def provider(self, row: SharedConnection) -> str:
        return row.llm_factory

    @admin.display(description="on", ordering="is_enabled", boolean=True)
    def switched_on(self, row: SharedConnection) -> bool:
        return row.is_enabled

    @admin.display(description="last test", ordering="checked_at", empty_value="never")
    def last_test(self, row: SharedConnection) -> datetime | None:
        return row.checked_at

    @admin.display(description="models", ordering="models")
    def model_count(self, row: SharedConnection) -> int:
        return int(getattr(row, "models", 0))

    @admin.display(description="granted to")
    def granted(self, row: SharedConnection) -> str:
        if row.is_granted_to_all:
            return "every tenant"
        count = int(getattr(row, "tenants", 0))
        return f"{count} tenant{'' if count == 1 else 's'}" if count else "nobody"

    @admin.display(description="stored key")
    def key(self, row: SharedConnection) -> str:
        return f"…{row.key_hint}" if row.key_hint else "-"

    def _set_enabled(
        self, request: HttpRequest, queryset: QuerySet[SharedConnection], is_enabled: bool
    ) -> None:
        # The page's own query counts models and tenants; a counted query cannot be updated.
        rows = SharedConnection.objects.filter(pk__in=[row.pk for row in queryset])
        changed = shared_connection_set_enabled(
            rows=rows, is_enabled=is_enabled, actor=actor_of(request)
        )
        messages.success(request, f"Done: {changed}.")


def _factory(request: HttpRequest, obj: SharedConnection | None) -> CatalogFactory:
    name = obj.llm_factory if obj else request.GET.get("llm_factory", "")
    try:
        return factory_get(name=name, active_only=obj is None)
    except NotFound:
        raise Http404 from None


def _check(request: HttpRequest, rows: Iterable[SharedConnection]) -> None:
    """Noted first, so that a task which is lost is made up for by the next periodic one."""
    platform = platform_get()
    for row in rows:
        recheck_ask(platform.pk, row.pk)
    app.send_task("llms.rechecks_run")
    messages.info(request, "A test runs in the background. Its result shows here when it is done.")
