"""May this call be made now? One round trip to Valkey with each call.

It reads the versions of the tenant's and the platform's configuration (tenants/config_versions.py
says what the values mean), so that a revoked token or a disabled model is refused on the very next
call, in every process. Limits and budgets join this round trip.
"""

import asyncio
from collections.abc import Awaitable, Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from gateway.authenticate import token_check
from gateway.errors import InvalidToken, TooBusy
from gateway.single_flight import SingleFlight
from gateway.snapshot_cache import Held, SnapshotCache
from gateway.sync_units import DatabaseAway, SyncUnits
from gateway.valkey_client import ValkeyAway, ValkeyClient, ValkeyReplyError
from tenants.config_versions import PUBLISHED_TTL_S, UNDER_WAY, versions_of
from tenants.platform import platform_get
from tenants.snapshots import Snapshot, TokenView

UNCONFIRMED_S = 900.0
"""Fail open: with PostgreSQL away, and Valkey away or silent, a snapshot that was confirmed within
this time still answers. Nobody can change what it was made from meanwhile, except from the far side
of a broken network; hence the bound."""

Values = tuple[bytes | None, bytes | None]


@dataclass(frozen=True, slots=True)
class Admission:
    """The tenant as it is at this moment, and the token that the call came with."""

    snapshot: Snapshot
    platform_id: UUID
    token: TokenView


class Admissions:
    def __init__(self, cache: SnapshotCache, valkey: ValkeyClient, units: SyncUnits) -> None:
        self._cache = cache
        self._valkey = valkey
        self._units = units
        self._ask_database = SingleFlight(self._versions_now)

    async def require_known(self, token_hash: str) -> None:
        """Before any more of a stranger's request is read. Raises InvalidToken and TooBusy."""
        if self._cache.find(token_hash) is None:
            await _held(self._cache.load(token_hash))

    async def admit(self, token_hash: str, scopes: Collection[str]) -> Admission:
        """Raises InvalidToken, NotPermitted, and TooBusy where nobody can say who this is."""
        held = await _held(self._current(token_hash))
        token = token_check(held.snapshot, token_hash, scopes)
        return Admission(held.snapshot, held.platform_id, token)

    async def _current(self, token_hash: str) -> Held | None:
        held = self._cache.find(token_hash)
        if held is None:
            return await self._cache.load(token_hash)
        if await self._is_current(held):
            return held
        return await self._cache.rebuild(held.snapshot.tenant_id)

    async def _is_current(self, held: Held) -> bool:
        """Raises DatabaseAway where something has changed, or may have, and nobody knows what."""
        try:
            values: Values = tuple(await self._valkey.command("MGET", *held.version_keys))
        except (ValkeyAway, ValkeyReplyError):
            return await self._is_current_in_database(held, (None, None), publish=False)
        ours = (held.snapshot.tenant_version, held.snapshot.platform_version)
        if all(value is not None and value.isdigit() for value in values):
            return _confirm(held, [int(value or 0) for value in values], ours)
        return await self._is_current_in_database(held, values, publish=True)

    async def _is_current_in_database(self, held: Held, values: Values, *, publish: bool) -> bool:
        try:
            versions = await self._ask_database(held.snapshot.tenant_id)
        except DatabaseAway:
            if UNDER_WAY in values or not self._is_recent(held):
                raise
            return True
        if versions is None:
            return False
        if publish:
            await self._publish(held, values, versions)
        ours = (held.snapshot.tenant_version, held.snapshot.platform_version)
        return _confirm(held, versions, ours)

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

    def _is_recent(self, held: Held) -> bool:
        return asyncio.get_running_loop().time() - held.confirmed_at < UNCONFIRMED_S


def _confirm(held: Held, versions: Iterable[int], ours: Iterable[int]) -> bool:
    """Whether nothing has changed since the snapshot; if so it is good for UNCONFIRMED_S more."""
    is_current = all(version <= own for version, own in zip(versions, ours, strict=True))
    if is_current:
        held.confirmed_at = asyncio.get_running_loop().time()
    return is_current


async def _held(finding: Awaitable[Held | None]) -> Held:
    try:
        held = await finding
    except DatabaseAway:
        raise TooBusy(
            "The hub cannot verify this token at the moment. Try again shortly.",
            code="database_unavailable",
            retry_after_s=2,
        ) from None
    if held is None:
        raise InvalidToken
    return held


def _versions_in_database(tenant_id: UUID) -> tuple[int, int] | None:
    platform = platform_get().pk
    versions = versions_of([tenant_id, platform])
    if tenant_id not in versions:
        return None
    return versions[tenant_id], versions[platform]
