"""The operator's own row among the tenants: the one whose schema is `public`."""

from django_tenants.utils import get_public_schema_name

from tenants.models import Tenant


def platform_get() -> Tenant:
    """What belongs to the platform hangs on this row: its data key, its configuration version."""
    tenant, _ = Tenant.objects.get_or_create(
        schema_name=get_public_schema_name(),
        defaults={"slug": "operator", "name": "Platform operator"},
    )
    return tenant
