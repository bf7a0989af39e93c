"""Opening a connection's sealed credentials."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from llmhub.base.secret import Secret
from tenants.keyring import Keyring
from tenants.llms.models import Connection
from tenants.models import SharedConnection

AnyConnection = Connection | SharedConnection


class _Form(Protocol):
    """A factory, as far as this file cares: what its form asks for."""

    @property
    def credential_fields(self) -> Iterable[Mapping[str, Any]]: ...


def credentials_open(
    row: AnyConnection, keyring: Keyring, factory: _Form
) -> dict[str, str | Secret]:
    """Field name to value; what the factory's form does not call secret is plain text.

    Raises CorruptSecret when the sealed text does not open where it stands.
    """
    opened = keyring.open(table=row._meta.db_table, row_id=row.pk, sealed=row.sealed_credentials)
    public = {field["name"] for field in factory.credential_fields if not field["is_secret"]}
    return {name: value.reveal() if name in public else value for name, value in opened.items()}
