"""Tenants: making, renaming, suspending and deleting them; who belongs to them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django_tenants.utils import get_public_schema_name
from unfold.decorators import display
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextInputWidget

from llmhub.admin.audited import AuditedAdmin, ReadOnlyInline, actor_of, told
from llmhub.admin.form_page import form_page
from tenants.models import Membership, Tenant, TenantStatus
from tenants.models.tenant import validate_slug
from tenants.services.tenants import tenant_create, tenant_delete, tenant_update


class TenantAddForm(forms.ModelForm):  # type: ignore[type-arg]
    owner_email = forms.EmailField(
        label="Owner's e-mail",
        help_text="A new person cannot sign in before a password is set for them, under Users.",
        widget=UnfoldAdminEmailInputWidget,
    )

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        validate_slug(slug)
        return slug


class TypedSlugForm(forms.Form):
    """Deleting a tenant cannot be undone: its slug is typed, not clicked."""

    slug = forms.CharField(
        label="The tenant's slug",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "autofocus": True}),
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._expected = expected

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug != self._expected:
            raise forms.ValidationError(f"Type {self._expected} to delete this tenant.")
        return slug


class MembershipInline(ReadOnlyInline):
    model = Membership
    verbose_name_plural = "members"
    fields = ("user", "role", "created_at")
    readonly_fields = ("created_at",)
    show_change_link = False
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.select_related("user").order_by("created_at")


@admin.register(Tenant)
class TenantAdmin(AuditedAdmin):
    list_display = ("name", "slug", "state", "plan", "member_count", "created_at")
    list_select_related = ("plan",)
    list_filter = ("status", "plan")
    search_fields = ("slug", "name", "memberships__user__email")
    ordering = ("slug",)
    list_per_page = 50
    actions = ("suspend", "reactivate")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        rows: QuerySet[Tenant] = super().get_queryset(request)
        customers = rows.exclude(schema_name=get_public_schema_name())
        return customers.annotate(members=Count("memberships", distinct=True))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = TenantAddForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("slug", "name", "owner_email")
        return ("slug", "name", "status", "plan", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("slug", "created_at") if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Any) -> tuple[type[ReadOnlyInline], ...]:
        return (MembershipInline,) if obj else ()

    def row_create(self, request: HttpRequest, values: dict[str, Any]) -> Tenant:
        return tenant_create(**values, actor=actor_of(request)).tenant

    def row_update(self, request: HttpRequest, obj: Tenant, values: dict[str, Any]) -> None:
        tenant_update(tenant=obj, actor=actor_of(request), **values)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.has_change_permission(request, obj))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Django's own page would delete by a click, and passes by the service."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        tenant = self.get_object(request, unquote(object_id))
        if tenant is None:
            raise Http404
        form = TypedSlugForm(request.POST or None, expected=tenant.slug)
        if form.is_valid():
            return told(request, lambda: self._delete(request, tenant))
        return form_page(
            request,
            self,
            form,
            title=f"Delete {tenant.name}",
            lead=f"Everything of {tenant.name} is removed at once and for good: its connections "
            f"and keys, tokens, members, usage and audit. Type {tenant.slug} to confirm.",
            submit_label="Delete this tenant",
            is_dangerous=True,
            object=tenant,
        )

    @admin.action(description="Suspend: refuse every call and sign-in")
    def suspend(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        self._set_status(request, queryset, TenantStatus.SUSPENDED)

    @admin.action(description="Reactivate")
    def reactivate(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        self._set_status(request, queryset, TenantStatus.ACTIVE)

    @display(
        description="status",
        ordering="status",
        label={TenantStatus.ACTIVE: "success", TenantStatus.SUSPENDED: "warning"},
    )
    def state(self, tenant: Tenant) -> tuple[str, str]:
        return tenant.status, tenant.get_status_display()

    @admin.display(description="members", ordering="members")
    def member_count(self, tenant: Tenant) -> int:
        return int(getattr(tenant, "members", 0))

    def _set_status(
        self, request: HttpRequest, queryset: QuerySet[Tenant], status: TenantStatus
    ) -> None:
        tenants = list(queryset)
        with transaction.atomic():
            for tenant in tenants:
                tenant_update(tenant=tenant, status=status, actor=actor_of(request))
        messages.success(request, f"Done: {len(tenants)}.")

    def _delete(self, request: HttpRequest, tenant: Tenant) -> HttpResponse:
        tenant_delete(tenant=tenant, actor=actor_of(request))
        messages.success(request, f"{tenant.name} is deleted.")
        return HttpResponseRedirect(reverse("admin:tenants_tenant_changelist"))
