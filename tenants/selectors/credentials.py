"""Finding the tenant that a credential belongs to."""

from uuid import UUID

from django.utils import timezone

from llmhub.base.errors import NotAuthenticated
from llmhub.base.tokens import token_hash
from tenants.models import AccessToken, Membership, TenantStatus, User

NOT_ACCEPTED = "This token is not accepted: it is unknown, expired or revoked."


def token_authenticate(raw: str) -> AccessToken:
    """The live token of a live tenant. Raises NotAuthenticated, without saying which it was not."""
    rows = AccessToken.objects.select_related("tenant", "created_by")
    token = rows.filter(token_hash=token_hash(raw), revoked_at__isnull=True).first()
    if token is None or token.tenant.status != TenantStatus.ACTIVE:
        raise NotAuthenticated(NOT_ACCEPTED)
    if token.expires_at is not None and token.expires_at <= timezone.now():
        raise NotAuthenticated(NOT_ACCEPTED)
    return token


def membership_chosen(*, user: User, tenant_id: UUID | str | None) -> Membership | None:
    """The membership that the session chose, or else the user's oldest one."""
    rows = Membership.objects.select_related("tenant", "user").order_by("created_at")
    mine = [m for m in rows.filter(user=user) if m.tenant.status == TenantStatus.ACTIVE]
    chosen = [m for m in mine if str(m.tenant_id) == str(tenant_id)]
    return next(iter(chosen or mine), None)


def tenant_id_of_token(hashed: str) -> UUID | None:
    """Which tenant's snapshot to load for a token that the gateway has not seen yet."""
    alive = AccessToken.objects.filter(token_hash=hashed, revoked_at__isnull=True)
    return alive.values_list("tenant_id", flat=True).first()
