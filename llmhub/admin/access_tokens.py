"""Access tokens of every tenant: what is known of them, never the tokens; and revoking."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from llmhub.admin.audited import ReadOnlyAdmin, actor_of
from tenants.models import AccessToken
from tenants.services.access_tokens import token_revoke


class RevokedFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("live", "not revoked"), ("revoked", "revoked")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[AccessToken]
    ) -> QuerySet[AccessToken]:
        if self.value() is None:
            return queryset
        return queryset.filter(revoked_at__isnull=self.value() == "live")


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    list_display = ("name", "tenant", "ending", "scope_list", "last_used_at", "state")
    list_filter = (RevokedFilter,)
    list_select_related = ("tenant",)
    search_fields = ("name", "last4", "tenant__slug", "tenant__name")
    ordering = ("-created_at",)
    list_per_page = 50
    fields = (
        "name",
        "tenant",
        "ending",
        "scope_list",
        "allowed_models",
        "created_by",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    actions = ("revoke",)

    @admin.action(description="Revoke: refuse from the next request on")
    def revoke(self, request: HttpRequest, queryset: QuerySet[AccessToken]) -> None:
        tokens = list(queryset.select_related("tenant"))
        with transaction.atomic():
            for token in tokens:
                token_revoke(tenant=token.tenant, token_id=token.pk, actor=actor_of(request))
        messages.success(request, f"Revoked: {len(tokens)}.")

    @admin.display(description="ends in")
    def ending(self, token: AccessToken) -> str:
        return f"…{token.last4}"

    @admin.display(description="scopes")
    def scope_list(self, token: AccessToken) -> str:
        return ", ".join(token.scopes)

    @display(description="state", label={"live": "success", "revoked": "danger"})
    def state(self, token: AccessToken) -> tuple[str, str]:
        word = "revoked" if token.revoked_at else "live"
        return word, word
