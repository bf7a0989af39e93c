"""Tenants' data keys: made with the tenant, unwrapped on use, rotated without a pause."""

import json
from collections.abc import Mapping
from functools import cache
from uuid import UUID

from django.conf import settings

from llmhub.base.errors import CorruptSecret
from llmhub.base.secret import Secret
from llmhub.base.secretbox import DataKey, MasterKeys, Place, key_version, seal, unseal
from tenants.models import Tenant, TenantDataKey

# Field name to value; what is no secret (an API version, a region) is plain text.
Credentials = Mapping[str, str | Secret]


@cache
def master_keys() -> MasterKeys:
    return MasterKeys(settings.HUB.fernet_keys)


class Keyring:
    """The unwrapped data keys of one tenant, by version; held for one unit of work."""

    def __init__(self, tenant_id: UUID, keys: Mapping[int, DataKey]) -> None:
        self._tenant_id = tenant_id
        self._keys = keys

    @property
    def current(self) -> DataKey:
        """The one that seals."""
        return self._keys[max(self._keys)]

    def seal(self, *, table: str, row_id: UUID, credentials: Credentials) -> str:
        """The credentials as one sealed JSON object, bound to their row."""
        text = json.dumps({name: _plain(value) for name, value in credentials.items()})
        return seal(self.current, self._place(table, row_id), Secret(text))

    def open(self, *, table: str, row_id: UUID, sealed: str) -> dict[str, Secret]:
        """Raises CorruptSecret when the text was sealed for another tenant, table or row."""
        text = self.open_text(place=self._place(table, row_id), sealed=sealed)
        return {name: Secret(value) for name, value in json.loads(text.reveal()).items()}

    def open_text(self, *, place: Place, sealed: str) -> Secret:
        """Whatever was sealed there. Raises CorruptSecret as `open` does."""
        version = key_version(sealed)
        if version not in self._keys:
            raise CorruptSecret("A stored secret names a data key that this tenant does not have.")
        return unseal(self._keys[version], place, sealed)

    def _place(self, table: str, row_id: UUID) -> Place:
        return Place(self._tenant_id, table, "sealed_credentials", row_id)


def keyring_of(tenant: Tenant) -> Keyring:
    """One query. A tenant without a data key gets its first one."""
    rows = _rows_of(tenant)
    if not rows:
        data_key_create(tenant)
        rows = _rows_of(tenant)
    return Keyring(tenant.pk, {r.version: master_keys().unwrap(r.version, r.wrapped) for r in rows})


def data_key_create(tenant: Tenant) -> None:
    """The tenant's first data key, unless another process has just made it."""
    wrapped = master_keys().new_wrapped_data_key()
    row = TenantDataKey(tenant=tenant, version=1, wrapped=wrapped)
    TenantDataKey.objects.bulk_create([row], ignore_conflicts=True)


def data_keys_rewrap() -> int:
    """Wrap every data key with the first of FERNET_KEYS; gives how many were changed.

    One conditional update per tenant and version: it can be killed at any point and run again, and
    both the old and the new wrapping open as long as both master keys are configured.
    """
    rows = TenantDataKey.objects.order_by("pk")
    return sum(_rewrap(row) for row in rows.iterator(chunk_size=500))


def _rows_of(tenant: Tenant) -> list[TenantDataKey]:
    return list(TenantDataKey.objects.filter(tenant=tenant))


def _rewrap(row: TenantDataKey) -> int:
    if master_keys().is_current(row.wrapped):
        return 0
    unchanged = TenantDataKey.objects.filter(pk=row.pk, wrapped=row.wrapped)
    return unchanged.update(wrapped=master_keys().rewrap(row.wrapped))


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value
