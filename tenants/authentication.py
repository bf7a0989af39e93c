"""DRF authentication: a hub token, or the browser session with CSRF."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from llmhub.base.errors import NotAuthenticated, PermissionDenied
from tenants.models import AccessToken
from tenants.principals import Principal
from tenants.selectors.credentials import membership_chosen, token_authenticate
from tenants.services.access_tokens import tokens_touch

SESSION_TENANT = "tenant_id"
_TOUCH_EVERY = timedelta(minutes=1)


class HubTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer hub_...`. A wrong header is refused, and the session not asked."""

    def authenticate(self, request: Request) -> tuple[Principal, AccessToken] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, raw = header.partition(" ")
        if scheme.lower() != "bearer" or not raw.strip():
            raise NotAuthenticated("Send the token as `Authorization: Bearer TOKEN`.")
        token = token_authenticate(raw.strip())
        _touch(token)
        return Principal.from_token(token, source_ip(request)), token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class MembershipSessionAuthentication(SessionAuthentication):
    """The signed-in user, as a member of the tenant that the session chose."""

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        user = getattr(request._request, "user", None)
        if user is None or not user.is_authenticated or not user.is_active:
            return None
        self.enforce_csrf(request)
        chosen = request._request.session.get(SESSION_TENANT)
        membership = membership_chosen(user=user, tenant_id=chosen)
        if membership is None:
            raise PermissionDenied("You are not a member of a tenant. Ask its owner to invite you.")
        return Principal.from_membership(membership, source_ip(request)), None


def source_ip(request: Request) -> str | None:
    """The peer's address. Forwarded headers are not believed: anyone can write them."""
    address = request.META.get("REMOTE_ADDR")
    return str(address) if address else None


def _touch(token: AccessToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - _TOUCH_EVERY:
        tokens_touch(used_at={token.pk: now})


class HubTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = HubTokenAuthentication
    name = "HubToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A hub token."}


class MembershipSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = MembershipSessionAuthentication
    name = "Session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The browser session; writes also need the CSRF token.",
        }
