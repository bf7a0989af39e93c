"""Where a person belongs."""

from uuid import UUID

from llmhub.base.errors import NotFound
from tenants.models import Membership, TenantStatus, User


def membership_list(*, user: User) -> list[Membership]:
    """The user's memberships of active tenants, with their tenants, by the tenant's name."""
    rows = Membership.objects.filter(user=user, tenant__status=TenantStatus.ACTIVE)
    return list(rows.select_related("tenant", "user").order_by("tenant__name", "tenant__slug"))


def membership_get(*, user: User, tenant_id: UUID) -> Membership:
    """Raises NotFound, also for a tenant that exists and is not the user's."""
    mine = {membership.tenant_id: membership for membership in membership_list(user=user)}
    if tenant_id not in mine:
        raise NotFound("You are not a member of this tenant.", code="membership_not_found")
    return mine[tenant_id]
