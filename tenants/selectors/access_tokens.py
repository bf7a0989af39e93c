"""Reading a tenant's tokens."""

from uuid import UUID

from llmhub.base.errors import NotFound
from tenants.models import AccessToken, Tenant


def token_list(
    *, tenant: Tenant, search: str = "", is_revoked: bool | None = None
) -> list[AccessToken]:
    """The newest first; None for `is_revoked` means both."""
    rows = AccessToken.objects.filter(tenant=tenant)
    if search:
        rows = rows.filter(name__icontains=search)
    if is_revoked is not None:
        rows = rows.filter(revoked_at__isnull=not is_revoked)
    return list(rows)


def token_get(*, tenant: Tenant, token_id: UUID) -> AccessToken:
    """Raises NotFound, also for a token of another tenant."""
    row = AccessToken.objects.filter(tenant=tenant, pk=token_id).first()
    if row is None:
        raise NotFound("There is no such token.", code="token_not_found")
    return row


def token_names(tenant: Tenant) -> dict[UUID, str]:
    """By id, those that are revoked or expired too: reports name them."""
    return dict(AccessToken.objects.filter(tenant=tenant).values_list("pk", "name"))
