"""Finding tenants for what runs in the background."""

from collections.abc import Collection
from uuid import UUID

from django_tenants.utils import get_public_schema_name

from tenants.models import Tenant, TenantStatus


def tenant_ids_active() -> list[UUID]:
    """Every tenant that is not suspended, the platform's own row among them."""
    return list(Tenant.objects.filter(status=TenantStatus.ACTIVE).values_list("pk", flat=True))


def tenants_by_id(ids: Collection[UUID]) -> dict[UUID, Tenant]:
    """Those that are still there."""
    return Tenant.objects.in_bulk(ids)


def tenants_all() -> list[Tenant]:
    """Every customer, also a suspended one; not the platform's own row."""
    return list(Tenant.objects.exclude(schema_name=get_public_schema_name()))
