"""People: operators and members of tenants."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget

from llmhub.admin.audited import AuditedAdmin, ReadOnlyInline, actor_of
from llmhub.admin.form_page import form_page
from llmhub.base.errors import HubError
from llmhub.base.secret import Secret
from tenants.models import Membership, User
from tenants.services.users import UserChange, user_create, user_set_password, user_update

# Roles are memberships; Django's groups would be a second way to give rights.
admin.site.unregister(Group)


def _password(label: str) -> forms.CharField:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, strip=False, widget=widget)


class NewPasswordForm(forms.Form):
    password = _password("New password")
    again = _password("The same again")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("password") != cleaned.get("again"):
            self.add_error("again", "The two are not equal.")
        return cleaned


class MembershipInline(ReadOnlyInline):
    model = Membership
    verbose_name_plural = "memberships"
    fields = ("tenant", "role", "created_at")
    readonly_fields = ("created_at",)
    show_change_link = False
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.select_related("tenant").order_by("created_at")


@admin.register(User)
class UserAdmin(AuditedAdmin):
    list_display = ("email", "name", "kind", "state", "last_login", "created_at")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    list_per_page = 50
    actions = ("deactivate",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("email", "name", "is_staff")
        return ("email", "name", "is_active", "is_staff", "last_login", "created_at", "password_")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("email", "last_login", "created_at", "password_") if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Any) -> tuple[type[ReadOnlyInline], ...]:
        return (MembershipInline,) if obj else ()

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.password_view)
        own = path("<path:object_id>/password/", page, name="tenants_user_password")
        return [own, *super().get_urls()]

    def row_create(self, request: HttpRequest, values: dict[str, Any]) -> User:
        return user_create(
            email=values["email"],
            name=values["name"],
            is_operator=values["is_staff"],
            actor=actor_of(request),
        )

    def row_update(self, request: HttpRequest, obj: User, values: dict[str, Any]) -> None:
        wanted = UserChange(
            name=values.get("name"),
            is_active=values.get("is_active"),
            is_operator=values.get("is_staff"),
        )
        user_update(user=obj, wanted=wanted, actor=actor_of(request))

    def password_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        user = self.get_object(request, unquote(object_id))
        if user is None:
            raise Http404
        form = NewPasswordForm(request.POST or None)
        if form.is_valid() and self._is_set(request, user, form):
            messages.success(request, f"The password of {user.email} is set.")
            return HttpResponseRedirect(reverse("admin:tenants_user_change", args=(user.pk,)))
        return form_page(
            request,
            self,
            form,
            title=f"Password of {user.email}",
            lead="Give it to them over a safe way. Their open sessions end.",
            submit_label="Set password",
            object=user,
        )

    @admin.action(description="Deactivate: end sessions and refuse sign-in")
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = list(queryset)
        off = UserChange(is_active=False)
        with transaction.atomic():
            for user in users:
                user_update(user=user, wanted=off, actor=actor_of(request))
        messages.success(request, f"Done: {len(users)}.")

    @admin.display(description="kind", ordering="is_staff")
    def kind(self, user: User) -> str:
        return "operator" if user.is_staff else "member"

    @display(
        description="state", ordering="is_active", label={"active": "success", "off": "danger"}
    )
    def state(self, user: User) -> tuple[str, str]:
        word = "active" if user.is_active else "off"
        return word, word

    @admin.display(description="password")
    def password_(self, user: User) -> SafeString:
        known = "Set." if user.has_usable_password() else "None: this person cannot sign in."
        address = reverse("admin:tenants_user_password", args=(user.pk,))
        return format_html('{} <a href="{}" class="underline">Set a new one</a>', known, address)

    def _is_set(self, request: HttpRequest, user: User, form: NewPasswordForm) -> bool:
        password = Secret(form.cleaned_data["password"])
        try:
            user_set_password(user=user, password=password, actor=actor_of(request))
        except HubError as error:
            form.add_error("password", error.message)
            return False
        return True
