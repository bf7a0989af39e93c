"""The snapshot of this very moment.

Each call compares the versions that Valkey publishes (tenants/config_versions.py says what the
values mean) with those that the snapshot in memory was built from.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from uuid import UUID

from gateway.errors import InvalidToken, TooBusy
from gateway.single_flight import SingleFlight
from gateway.snapshot_cache import Held, SnapshotCache
from gateway.sync_units import DatabaseAway, SyncUnits
from gateway.valkey_client import ValkeyAway, ValkeyClient, ValkeyReplyError
from tenants.config_versions import PUBLISHED_TTL_S, UNDER_WAY, versions_of
from tenants.platform import platform_get

UNCONFIRMED_S = 900.0
"""Fail open: with PostgreSQL away, and Valkey away or silent, a snapshot that was confirmed within
this time still answers. Nobody can change what it was made from meanwhile, except from the far side
of a broken network; hence the bound."""

Values = tuple[bytes | None, bytes | None]
_NOTHING: Values = (None, None)


class CurrentSnapshots:
    """Raises InvalidToken for a tenant or token that is gone, and TooBusy where nobody can say."""

    def __init__(self, cache: SnapshotCache, valkey: ValkeyClient, units: SyncUnits) -> None:
        self._cache = cache
        self._valkey = valkey
        self._units = units
        self._ask_database = SingleFlight(self._versions_now)

    def find(self, token_hash: str) -> Held | None:
        """The one in memory, which may be out of date."""
        return self._cache.find(token_hash)

    async def load(self, token_hash: str) -> Held:
        return await self._fresh(self._cache.load(token_hash))

    async def rebuild(self, held: Held) -> Held:
        return await self._fresh(self._cache.rebuild(held.snapshot.tenant_id))

    def may_be_known(self, held: Held) -> bool:
        """Whether what Valkey publishes can be believed for it. While the connection was away a
        change may have been made and not announced: then PostgreSQL is asked once."""
        return held.connection == self._valkey.connections

    async def is_current(self, held: Held) -> bool:
        """False where something has changed."""
        connection = self._valkey.connections
        try:
            values: Values = tuple(await self._valkey.command("MGET", *held.version_keys))
        except (ValkeyAway, ValkeyReplyError):
            return await self._is_current_in_database(held, _NOTHING, publish=False)
        if held.connection == connection:
            return await self.is_current_by(held, values)
        is_current = await self._is_current_in_database(held, values, publish=False)
        held.connection = connection
        return is_current

    async def is_current_by(self, held: Held, values: Values) -> bool:
        """The same, by what Valkey has just said."""
        if all(value is not None and value.isdigit() for value in values):
            return _confirm(held, [int(value or 0) for value in values])
        return await self._is_current_in_database(held, values, publish=True)

    async def _fresh(self, finding: Awaitable[Held | None]) -> Held:
        connection = self._valkey.connections
        try:
            held = await finding
        except DatabaseAway:
            raise _unverified() from None
        if held is None:
            raise InvalidToken
        held.connection = connection
        return held

    async def _is_current_in_database(self, held: Held, values: Values, *, publish: bool) -> bool:
        try:
            versions = await self._ask_database(held.snapshot.tenant_id)
        except DatabaseAway:
            if UNDER_WAY in values or not _is_recent(held):
                raise _unverified() from None
            return True
        if versions is None:
            return False
        if publish:
            await self._publish(held, values, versions)
        return _confirm(held, versions)

    async def _versions_now(self, tenant_id: UUID) -> tuple[int, int] | None:
        return await self._units.run(_versions_in_database, tenant_id)

    async def _publish(self, held: Held, values: Values, versions: tuple[int, int]) -> None:
        """Where Valkey had nothing, and still has nothing: a change that has begun since then is
        not covered up."""
        for key, value, version in zip(held.version_keys, values, versions, strict=True):
            if value is None:
                try:
                    await self._valkey.command(
                        "SET", key, str(version), "EX", str(PUBLISHED_TTL_S), "NX"
                    )
                except (ValkeyAway, ValkeyReplyError):
                    return


def _is_recent(held: Held) -> bool:
    return asyncio.get_running_loop().time() - held.confirmed_at < UNCONFIRMED_S


def _confirm(held: Held, versions: Iterable[int]) -> bool:
    """Whether nothing has changed since the snapshot; if so it is good for UNCONFIRMED_S more."""
    ours = (held.snapshot.tenant_version, held.snapshot.platform_version)
    is_current = all(version <= own for version, own in zip(versions, ours, strict=True))
    if is_current:
        held.confirmed_at = asyncio.get_running_loop().time()
    return is_current


def _unverified() -> TooBusy:
    return TooBusy(
        "The hub cannot verify this token at the moment. Try again shortly.",
        code="database_unavailable",
        retry_after_s=2,
    )


def _versions_in_database(tenant_id: UUID) -> tuple[int, int] | None:
    platform = platform_get().pk
    versions = versions_of([tenant_id, platform])
    if tenant_id not in versions:
        return None
    return versions[tenant_id], versions[platform]
