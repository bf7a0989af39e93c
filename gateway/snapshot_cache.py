"""The tenants that this process serves, in memory."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from gateway.errors import TooBusy
from gateway.single_flight import SingleFlight
from gateway.sync_units import SyncUnits
from tenants.config_versions import version_key
from tenants.llms.snapshot_build import snapshot_build
from tenants.platform import platform_get
from tenants.selectors.credentials import tenant_id_of_token
from tenants.snapshots import Snapshot

MAX_TENANTS = 2_000
"""The tenant that was called the longest time ago makes room for another."""
LOOKUPS_PER_S = 200
"""Tokens that nobody knows cost a query each: guessing gets no more than this of the database."""
MAX_UNKNOWN = 10_000


@dataclass(slots=True)
class Held:
    """A snapshot in memory. `confirmed_at` is the loop's time when it was last known to be the
    current one; `version_keys` are where Valkey holds the two versions that it depends on: the
    tenant's and the platform's; `connection` numbers the connection to Valkey since which it is
    known that these say everything."""

    snapshot: Snapshot
    platform_id: UUID
    confirmed_at: float
    version_keys: tuple[bytes, bytes]
    connection: int = -1


class SnapshotCache:
    def __init__(self, units: SyncUnits) -> None:
        self._units = units
        self._held: OrderedDict[UUID, Held] = OrderedDict()
        self._tenant_of: dict[str, UUID] = {}
        self._lookups = _Lookups()
        self._load = SingleFlight(self._load_now)
        self._rebuild = SingleFlight(self._rebuild_now)

    def find(self, token_hash: str) -> Held | None:
        """The snapshot that knows the token."""
        tenant_id = self._tenant_of.get(token_hash)
        if tenant_id is None:
            return None
        self._held.move_to_end(tenant_id)
        return self._held[tenant_id]

    async def load(self, token_hash: str) -> Held | None:
        """Read the snapshot of a token that was not seen yet; None for an unknown token.

        Raises TooBusy where too many unknown tokens come, and DatabaseAway.
        """
        if not self._lookups.may_look(token_hash):
            return None
        held = await self._load(token_hash)
        if held is None:
            self._lookups.remember_unknown(token_hash)
        return held

    async def rebuild(self, tenant_id: UUID) -> Held | None:
        """Read the snapshot again, after this moment; None when the tenant is gone or suspended.

        Raises DatabaseAway.
        """
        return await self._rebuild(tenant_id)

    def forget(self, tenant_id: UUID) -> None:
        held = self._held.pop(tenant_id, None)
        for token_hash in held.snapshot.tokens if held else ():
            self._tenant_of.pop(token_hash, None)

    async def _load_now(self, token_hash: str) -> Held | None:
        held = self._keep(await self._units.run(_snapshot_of_token, token_hash))
        return held if held and token_hash in held.snapshot.tokens else None

    async def _rebuild_now(self, tenant_id: UUID) -> Held | None:
        read = await self._units.run(_snapshot_of_tenant, tenant_id)
        if read is None:
            self.forget(tenant_id)
        return self._keep(read)

    def _keep(self, read: tuple[Snapshot, UUID] | None) -> Held | None:
        if read is None:
            return None
        snapshot, platform_id = read
        self.forget(snapshot.tenant_id)
        keys = (version_key(snapshot.tenant_id).encode(), version_key(platform_id).encode())
        held = Held(snapshot, platform_id, asyncio.get_running_loop().time(), keys)
        self._held[snapshot.tenant_id] = held
        for token_hash in snapshot.tokens:
            self._tenant_of[token_hash] = snapshot.tenant_id
        if len(self._held) > MAX_TENANTS:
            self.forget(next(iter(self._held)))
        return held


class _Lookups:
    """Bounds the queries for unknown tokens.

    While the budget lasts every token is looked up, so one that has just been made, or whose tenant
    is active again, works at once. Beyond it a token that was unknown before is unknown still, and
    one never seen is asked to come again: guessing can delay new tokens, and not refuse them.
    """

    def __init__(self) -> None:
        self._left = float(LOOKUPS_PER_S)
        self._counted_at = 0.0
        self._unknown: OrderedDict[str, None] = OrderedDict()

    def may_look(self, token_hash: str) -> bool:
        """False for what is known to be unknown. Raises TooBusy."""
        now = asyncio.get_running_loop().time()
        refill = (now - self._counted_at) * LOOKUPS_PER_S
        self._left = min(self._left + refill, float(LOOKUPS_PER_S))
        self._counted_at = now
        if self._left >= 1:
            self._left -= 1
            return True
        if token_hash in self._unknown:
            return False
        raise TooBusy("Too many unknown tokens at once. Try again shortly.", retry_after_s=1)

    def remember_unknown(self, token_hash: str) -> None:
        self._unknown[token_hash] = None
        self._unknown.move_to_end(token_hash)
        if len(self._unknown) > MAX_UNKNOWN:
            self._unknown.popitem(last=False)


def _snapshot_of_token(token_hash: str) -> tuple[Snapshot, UUID] | None:
    tenant_id = tenant_id_of_token(token_hash)
    return None if tenant_id is None else _snapshot_of_tenant(tenant_id)


def _snapshot_of_tenant(tenant_id: UUID) -> tuple[Snapshot, UUID] | None:
    snapshot = snapshot_build(tenant_id)
    return None if snapshot is None else (snapshot, platform_get().pk)
