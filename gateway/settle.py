"""The end of a call: its usage leaves this process before the last byte of the answer does.

One round trip puts the events into a stream in Valkey, from where the drain takes them, and lets
what was used take the place of what was reserved. With Valkey away the events go straight into
PostgreSQL. With both away they are held here and tried again; while MAX_HELD calls are held no new
ones are admitted (fail closed: nothing goes unmetered).

What is in the stream stays here too until it was drained (retained.py): FLUSHALL loses none of it.
"""

import asyncio
import logging
import secrets
from collections import deque
from dataclasses import dataclass

from django.db import Error as DatabaseError

from gateway.alert_marks import AlertMarks
from gateway.call import KINDS_TO_RECHECK, Call
from gateway.events import events_of
from gateway.local_limits import LocalLimits
from gateway.reservations import Reservation, Reservations, Where
from gateway.retained import Retained, entry_id
from gateway.spending import Spent, settle_arguments, spending_of
from gateway.sync_units import DatabaseAway, SyncUnits
from gateway.valkey_client import Script, ValkeyAway, ValkeyClient, ValkeyReplyError
from tenants.limits.counters import script
from tenants.limits.holds import holds_release, usage_record_beside
from tenants.llms.recheck import RECHECK_KEY, recheck_member
from tenants.usage.events import FIELD, STREAM, UsageFacts, events_dump
from tenants.usage.services import usage_record

logger = logging.getLogger(__name__)

MAX_HELD = 10_000
RETRY_EVERY_S = 1.0
_SENTINEL_TTL_S = "300"
_SETTLE = Script(script("settle"))

Events = list[UsageFacts]


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What is delivered together: a call's events and what they mean for its reservation."""

    events: Events
    reservation: Reservation | None = None
    spent: tuple[Spent, ...] = ()


class Settlements:
    """`open` starts the retries; `close` tries once more and writes to the log what is left."""

    def __init__(
        self,
        valkey: ValkeyClient,
        units: SyncUnits,
        retained: Retained,
        local: LocalLimits,
        reservations: Reservations,
    ) -> None:
        self._valkey = valkey
        self._units = units
        self._retained = retained
        self._local = local
        self._reservations = reservations
        self._marks = AlertMarks(valkey)
        self._held: deque[_Parcel] = deque()
        self._retries: asyncio.Task[None] | None = None
        self._sentinel = f"hub:gateway:{secrets.token_hex(8)}"
        self._connection = 0

    @property
    def is_full(self) -> bool:
        return len(self._held) >= MAX_HELD

    @property
    def held(self) -> int:
        """Calls whose events are here alone."""
        return len(self._held)

    def open(self) -> None:
        self._retries = asyncio.create_task(self._retry())

    async def close(self) -> None:
        if self._retries is not None:
            self._retries.cancel()
            await asyncio.wait([self._retries])
        await self._deliver_held()
        for parcel in self._held:
            text = events_dump(parcel.events).decode()
            logger.error("usage that could not be stored: %s", text)
        try:
            await self._valkey.command("DEL", self._sentinel)
        except (ValkeyAway, ValkeyReplyError):
            return

    async def settle(self, call: Call, reservation: Reservation | None = None) -> None:
        """Returns once the events are safe, or held, and the reservation is free. Never raises."""
        events = events_of(call)
        spent: tuple[Spent, ...] = ()
        if reservation is not None:
            self._reservations.forget(reservation)
            spent = tuple(spending_of(call, reservation))
            self._settle_locally(reservation, spent)
        parcel = _Parcel(events, reservation, spent)
        if (events or reservation) and not await self._deliver(parcel):
            logger.error("usage of call %s is held in memory", call.request_id)
            self._held.append(parcel)
        await self._ask_rechecks(call)

    def _settle_locally(self, reservation: Reservation, spent: tuple[Spent, ...]) -> None:
        if not reservation.is_in_valkey:
            for item in spent:
                self._local.settle(item.claim, reservation.second, item.delta)

    async def _deliver(self, parcel: _Parcel) -> bool:
        try:
            await self._deliver_to_valkey(parcel)
        except (ValkeyAway, ValkeyReplyError):
            return await self._deliver_to_database(parcel)
        return True

    async def _deliver_to_valkey(self, parcel: _Parcel) -> None:
        content = events_dump(parcel.events) if parcel.events else b""
        reservation = parcel.reservation
        if reservation is None:
            entry = await self._valkey.command("XADD", STREAM, "*", FIELD, content)
        else:
            keys, arguments = settle_arguments(reservation, parcel.spent)
            head = (FIELD, content, str(reservation.call_id))
            reply = await self._valkey.evaluate(_SETTLE, [STREAM, *keys], [*head, *arguments])
            entry = reply[0]
            if reservation.has_budgets:
                await self._marks.note(reservation.tenant_id, keys, parcel.spent, reply[1:])
        if entry:
            self._retained.add(entry, parcel.events)
        if reservation is not None and reservation.where is Where.DATABASE:
            await self._release_hold(reservation)

    async def _release_hold(self, reservation: Reservation) -> None:
        """Should this fail, the hold expires."""
        try:
            await self._units.run(holds_release, reservation.call_id)
        except (DatabaseAway, DatabaseError) as error:
            logger.warning("a hold waits for its end: %s", type(error).__name__)

    async def _deliver_to_database(self, parcel: _Parcel) -> bool:
        """What Valkey took after all, though it did not answer, is recognised by its ids."""
        reservation = parcel.reservation
        try:
            if reservation is not None and reservation.has_budgets:
                is_hold = reservation.where is Where.DATABASE
                call_id = reservation.call_id if is_hold else None
                tenant_id = reservation.tenant_id
                await self._units.run(usage_record_beside, tenant_id, parcel.events, call_id)
            else:
                await self._units.run(usage_record, parcel.events)
        except (DatabaseAway, DatabaseError) as error:
            logger.warning("usage was not recorded: %s", type(error).__name__)
            return False
        return True

    async def _retry(self) -> None:
        while True:
            try:
                await self._deliver_held()
                await self._look_after_retained()
            except Exception:
                # Whatever one round meets, usage that waits here is tried again in the next.
                logger.exception("looking after usage failed")
            await asyncio.sleep(RETRY_EVERY_S)

    async def _deliver_held(self) -> None:
        while self._held and await self._deliver(self._held[0]):
            self._held.popleft()

    async def _look_after_retained(self) -> None:
        """Let go of what was drained; where Valkey has lost what it held, go by the database."""
        connection, last = self._valkey.connections, self._retained.last
        try:
            asked = (
                self._valkey.command("XRANGE", STREAM, "-", "+", "COUNT", "1"),
                self._valkey.command("SET", self._sentinel, "1", "EX", _SENTINEL_TTL_S, "GET"),
            )
            first, known = await asyncio.gather(*asked)
        except (ValkeyAway, ValkeyReplyError):
            return
        is_same = known is not None and connection == self._connection
        self._connection = connection
        if not is_same and len(self._retained):
            await self._record_retained()
        elif first:
            self._retained.drained_before(entry_id(first[0][0]))
        elif last is not None:
            self._retained.all_drained_until(last)

    async def _record_retained(self) -> None:
        last, calls = self._retained.last, self._retained.all()
        by_tenant: dict[object, Events] = {}
        for events in calls:
            for event in events:
                by_tenant.setdefault(event.tenant_id, []).append(event)
        try:
            for events in by_tenant.values():
                tenant_id = events[0].tenant_id
                await self._units.run(usage_record_beside, tenant_id, events, None)
        except (DatabaseAway, DatabaseError) as error:
            logger.warning("retained usage waits: %s", type(error).__name__)
            self._connection = 0
            return
        if last is not None:
            self._retained.all_drained_until(last)

    async def _ask_rechecks(self, call: Call) -> None:
        """What a failure says about a connection is looked into later, by a task."""
        for attempt in call.attempts:
            if attempt.failure is None or attempt.failure.kind not in KINDS_TO_RECHECK:
                continue
            connection = attempt.model.connection
            owner_id = call.platform_id if connection.is_shared else call.tenant_id
            member = recheck_member(owner_id, connection.id)
            try:
                await self._valkey.command("SADD", RECHECK_KEY, member)
            except (ValkeyAway, ValkeyReplyError):
                return
