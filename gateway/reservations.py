"""What a call may use is taken out of its limits and budgets before the call is made.

In Valkey, in one step for all of them, together with the look at the configuration's versions. With
Valkey away hard budgets are held in PostgreSQL (fail closed: with both away such a call is
refused), rate limits and concurrency are counted in this process, and soft budgets wait for the
ledger (both fail open). A reservation lasts LEASE_MS and is renewed while its call runs: what a
process that was killed had reserved is free again within a minute.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseError

from gateway.caller import Header
from gateway.claims import Claim, Kind
from gateway.errors import GatewayError, TooBusy
from gateway.local_limits import LocalLimits
from gateway.rate_headers import rate_headers, refused_headers
from gateway.refusals import refusal
from gateway.retained import Retained
from gateway.single_flight import SingleFlight
from gateway.snapshot_cache import Held
from gateway.sync_units import DatabaseAway, SyncUnits
from gateway.valkey_client import Argument, Script, ValkeyAway, ValkeyClient, ValkeyReplyError
from llmhub.base.valkey import ValkeyError
from tenants.limits.counters import LEASE_MS, script
from tenants.limits.holds import HoldWish, holds_renew, holds_reserve
from tenants.limits.rebuild import budgets_rebuild

logger = logging.getLogger(__name__)

RENEW_EVERY_S = 10.0
_RESERVE = Script(script("reserve"))
_RENEW = Script(script("renew"))
_LEASE = str(LEASE_MS)
_REBUILDS = 3

Versions = tuple[bytes | None, bytes | None]


class Where(Enum):
    VALKEY = "valkey"
    LOCAL = "local"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Reservation:
    """`second` is when the windows were counted, in Unix time by the clock that counted."""

    call_id: UUID
    tenant_id: UUID
    claims: Sequence[Claim]
    where: Where
    second: int
    headers: list[Header] = field(default_factory=list)

    @property
    def is_in_valkey(self) -> bool:
        return self.where is Where.VALKEY

    @property
    def has_budgets(self) -> bool:
        return any(claim.kind is Kind.BUDGET for claim in self.claims)


@dataclass(frozen=True, slots=True)
class Stale:
    """The snapshot may be out of date; what Valkey holds of the versions."""

    versions: Versions


class Refused(Exception):
    """There is no room under this claim."""

    def __init__(self, claim: Claim, error: GatewayError, headers: list[Header]) -> None:
        super().__init__(error.message)
        self.claim = claim
        self.error = error
        self.headers = headers


class Reservations:
    """`open` starts the renewals. `retained` knows the events that may not be in the ledger yet."""

    def __init__(
        self, valkey: ValkeyClient, units: SyncUnits, retained: Retained, local: LocalLimits
    ) -> None:
        self._valkey = valkey
        self._units = units
        self._retained = retained
        self._local = local
        self._open: dict[UUID, Reservation] = {}
        self._rebuild = SingleFlight(self._rebuild_now)
        self._renewals: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._renewals = asyncio.create_task(self._renew_forever())

    async def close(self) -> None:
        if self._renewals is not None:
            self._renewals.cancel()
            await asyncio.wait([self._renewals])

    def forget(self, reservation: Reservation) -> None:
        """The call has ended; nothing is renewed for it any more."""
        self._open.pop(reservation.call_id, None)

    async def reserve(
        self, held: Held, call_id: UUID, claims: Sequence[Claim], *, is_confirmed: bool
    ) -> Reservation | Stale:
        """All of the claims or none; `is_confirmed` leaves out the look at the versions.

        Raises Refused, ValkeyAway, and TooBusy where a hard budget cannot be looked up.
        """
        for _ in range(_REBUILDS):
            reply = await self._ask(held, call_id, claims, is_confirmed)
            if reply[0] != b"M":
                break
            if not await self._is_rebuilt(held.snapshot.tenant_id):
                claims = _without_soft_budgets(claims)
        if reply[0] == b"S":
            return Stale((reply[1], reply[2]))
        if reply[0] == b"R":
            _, place, wait_ms, left, reset_ms = reply
            claim = claims[place]
            headers = list(refused_headers(claim, left, reset_ms))
            raise Refused(claim, refusal(claim, wait_ms, left), headers)
        if reply[0] == b"M":
            raise _unknown_budget()
        headers = rate_headers(claims, reply[2:])
        return self._keep(held, call_id, claims, Where.VALKEY, reply[1], headers)

    async def reserve_without_valkey(
        self, held: Held, call_id: UUID, claims: Sequence[Claim]
    ) -> Reservation:
        """Raises Refused, and TooBusy where a hard budget cannot be held."""
        second, refused, wait_s = self._local.take(claims)
        if refused is not None:
            raise Refused(refused, refusal(refused, wait_s * 1000, 0), [])
        hard = [c for c in claims if c.kind is Kind.BUDGET and c.limit is not None]
        where = Where.DATABASE if hard else Where.LOCAL
        try:
            if hard:
                await self._hold(held.snapshot.tenant_id, call_id, hard)
        except BaseException:
            self._give_back(claims, second)
            raise
        return self._keep(held, call_id, claims, where, second, [])

    async def _ask(
        self, held: Held, call_id: UUID, claims: Sequence[Claim], is_confirmed: bool
    ) -> list[Any]:
        snapshot = held.snapshot
        keys: list[Argument] = [*held.version_keys]
        arguments: list[Argument] = ["", ""]
        if not is_confirmed:
            arguments = [str(snapshot.tenant_version), str(snapshot.platform_version)]
        arguments += (str(call_id), _LEASE)
        generation = str(snapshot.budget_generation)
        for claim in claims:
            keys.append(claim.key)
            limit = "" if claim.limit is None else str(claim.limit)
            if claim.is_window:
                arguments += ("w", limit, str(claim.amount), "", "")
            else:
                known = generation if claim.kind is Kind.BUDGET else ""
                arguments += ("g", limit, str(claim.amount), known, str(claim.keep_ms))
        reply: list[Any] = await self._valkey.evaluate(_RESERVE, keys, arguments)
        return reply

    async def _is_rebuilt(self, tenant_id: UUID) -> bool:
        try:
            await self._rebuild(tenant_id)
        except (DatabaseAway, DatabaseError, ValkeyError) as error:
            logger.warning("budgets of tenant %s: %s", tenant_id, type(error).__name__)
            return False
        return True

    async def _rebuild_now(self, tenant_id: UUID) -> None:
        await self._units.run(budgets_rebuild, tenant_id)

    async def _hold(self, tenant_id: UUID, call_id: UUID, hard: Sequence[Claim]) -> None:
        wishes = []
        for claim in hard:
            assert claim.budget is not None
            wishes.append(HoldWish(claim.budget, claim.amount, self._reserved_here(claim)))
        try:
            refused = await self._units.run(
                holds_reserve,
                tenant_id=tenant_id,
                call_id=call_id,
                wishes=wishes,
                waiting=self._retained.of(tenant_id),
            )
        except (DatabaseAway, DatabaseError):
            raise _unknown_budget() from None
        if refused is not None:
            claim = hard[refused.place]
            raise Refused(claim, refusal(claim, -1, refused.left), [])

    def _reserved_here(self, claim: Claim) -> int:
        """By calls that were let in by Valkey and still run: PostgreSQL knows nothing of them."""
        return sum(
            other.amount
            for reservation in self._open.values()
            if reservation.is_in_valkey
            for other in reservation.claims
            if other.key == claim.key
        )

    def _give_back(self, claims: Sequence[Claim], second: int) -> None:
        for claim in claims:
            self._local.settle(claim, second, -claim.amount)

    def _keep(
        self,
        held: Held,
        call_id: UUID,
        claims: Sequence[Claim],
        where: Where,
        second: int,
        headers: list[Header],
    ) -> Reservation:
        made = Reservation(call_id, held.snapshot.tenant_id, claims, where, second, headers)
        self._open[call_id] = made
        return made

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            await self._renew_in_valkey()
            await self._renew_in_database()

    async def _renew_in_valkey(self) -> None:
        keys: list[Argument] = []
        members: list[Argument] = []
        for reservation in self._open.values():
            if reservation.is_in_valkey:
                for claim in reservation.claims:
                    if not claim.is_window:
                        keys.append(claim.key)
                        members.append(f"{reservation.call_id}|{claim.amount}")
        for start in range(0, len(keys), 500):
            part = slice(start, start + 500)
            try:
                await self._valkey.evaluate(_RENEW, keys[part], [_LEASE, *members[part]])
            except (ValkeyAway, ValkeyReplyError):
                return

    async def _renew_in_database(self) -> None:
        ids = [r.call_id for r in self._open.values() if r.where is Where.DATABASE]
        if not ids:
            return
        try:
            await self._units.run(holds_renew, ids)
        except (DatabaseAway, DatabaseError) as error:
            logger.warning("holds were not renewed: %s", type(error).__name__)


def _without_soft_budgets(claims: Sequence[Claim]) -> Sequence[Claim]:
    """Fail open: what only tells people does not stop calls."""
    return [c for c in claims if c.kind is not Kind.BUDGET or c.limit is not None]


def _unknown_budget() -> TooBusy:
    return TooBusy(
        "This call is under a budget, and the hub cannot look up what was spent. "
        "Try again shortly.",
        code="budget_unavailable",
        retry_after_s=2,
    )
