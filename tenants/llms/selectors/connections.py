"""Reading a tenant's connections."""

from uuid import UUID

from llmhub.base.errors import NotFound
from tenants.llms.models import Connection
from tenants.models import Tenant
from tenants.tenancy import in_schema


def connection_list(*, tenant: Tenant, llm_factory: str = "", state: str = "") -> list[Connection]:
    """By factory and name; an empty filter means every one."""
    with in_schema(tenant):
        rows = Connection.objects.all()
        if llm_factory:
            rows = rows.filter(llm_factory=llm_factory)
        if state:
            rows = rows.filter(state=state)
        return list(rows)


def connection_get(*, tenant: Tenant, connection_id: UUID) -> Connection:
    """Raises NotFound."""
    with in_schema(tenant):
        row = Connection.objects.filter(pk=connection_id).first()
    if row is None:
        raise NotFound("There is no such connection.", code="connection_not_found")
    return row
