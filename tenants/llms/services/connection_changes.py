"""Changing a connection: its name, whether it is on, its key, its address."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from providers.selectors import CatalogFactory, factory_get
from tenants.actors import Actor
from tenants.audit.services import tenant_change
from tenants.llms.models import Connection
from tenants.llms.provider_facts import (
    Address,
    address_read,
    credentials_for_new_address,
    credentials_read,
    is_blank,
)
from tenants.llms.selectors.checks import checks_of
from tenants.llms.selectors.connections import connection_get
from tenants.llms.services.connections import (
    ConnectionFacts,
    connection_apply,
    connection_json,
    connection_locked,
    require_free,
)
from tenants.llms.verification import verify
from tenants.models import ConnectionState, Tenant
from tenants.tenancy import in_schema


@dataclass(frozen=True)
class ConnectionChange:
    """None leaves a thing as it is; a blank `api_key` keeps the stored one."""

    name: str | None = None
    is_enabled: bool | None = None
    api_key: Any = field(default="", repr=False)
    api_base: str | None = None
    is_tested: bool = True

    @property
    def has_new_key(self) -> bool:
        return not is_blank(self.api_key)


def connection_change(
    *, tenant: Tenant, connection_id: UUID, wanted: ConnectionChange, actor: Actor
) -> Connection:
    """A new key or address is tested before it is stored, unless `is_tested` is off.

    Raises NotFound, Conflict for a name that is taken, InvalidRequest naming a field,
    ProviderRefused where the provider says no; then the connection is as it was.
    """
    row = connection_get(tenant=tenant, connection_id=connection_id)
    facts = _new_facts(tenant, row, wanted)
    with tenant_change(tenant=tenant, actor=actor, action="connection.update") as change:
        row = connection_locked(connection_id)
        before = connection_json(row)
        if wanted.name not in (None, row.name):
            require_free(row.llm_factory, str(wanted.name))
        row.name = wanted.name or row.name
        row.is_enabled = row.is_enabled if wanted.is_enabled is None else wanted.is_enabled
        connection_apply(row, facts, tenant)
        change.about("connection", row.pk, str(row))
        change.before, change.after = before, connection_json(row)
        if change.before == change.after and not wanted.has_new_key:
            change.nothing_changed()
    return row


def _new_facts(tenant: Tenant, row: Connection, wanted: ConnectionChange) -> ConnectionFacts | None:
    """What is to be stored of key and address; None where neither changes."""
    factory = factory_get(name=row.llm_factory)
    address = _address(factory, row, wanted)
    if address.url == row.base_url and not wanted.has_new_key:
        return None
    credentials = (
        credentials_read(factory, wanted.api_key)
        if wanted.has_new_key
        else credentials_for_new_address(factory)
    )
    state = ConnectionState.UNVERIFIED
    if wanted.is_tested:
        with in_schema(tenant):
            plan = checks_of(row)
        verify(factory, address.url, credentials, plan).raise_if_refused()
        state = ConnectionState.VALID if plan else ConnectionState.UNVERIFIED
    return ConnectionFacts(
        factory=factory,
        name=row.name,
        base_url=address.url,
        credentials=credentials,
        state=state,
    )


def _address(factory: CatalogFactory, row: Connection, wanted: ConnectionChange) -> Address:
    if wanted.api_base is None:
        return Address(row.base_url)
    return address_read(factory, wanted.api_base)
