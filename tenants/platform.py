"""The operator's own row among the tenants: the one whose schema is `public`."""

from django_tenants.utils import get_public_schema_name

from tenants.models import Tenant


def platform_get() -> Tenant:
    """What belongs to the platform hangs on this row: its data key, its configuration version.

    The first to ask makes it, and several may ask at once.
    """
    public = get_public_schema_name()
    row = Tenant.objects.filter(schema_name=public).first()
    if row is not None:
        return row
    row = Tenant(schema_name=public, slug="operator", name="Platform operator")
    Tenant.objects.bulk_create([row], ignore_conflicts=True)
    return Tenant.objects.get(schema_name=public)
