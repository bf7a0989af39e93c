"""The end of a call: its usage leaves this process before the last byte of the answer does.

One round trip puts the events into a stream in Valkey, from where the drain takes them. With Valkey
away they go straight into PostgreSQL. With both away they are held here and tried again; while
MAX_HELD calls are held no new ones are admitted (fail closed: nothing goes unmetered).
"""

import asyncio
import logging
from collections import deque

from django.db import Error as DatabaseError

from gateway.call import KINDS_TO_RECHECK, Call
from gateway.events import events_of
from gateway.sync_units import DatabaseAway, SyncUnits
from gateway.valkey_client import ValkeyAway, ValkeyClient, ValkeyReplyError
from tenants.llms.recheck import RECHECK_KEY, recheck_member
from tenants.usage.events import FIELD, STREAM, UsageFacts, events_dump
from tenants.usage.services import usage_record

logger = logging.getLogger(__name__)

MAX_HELD = 10_000
RETRY_EVERY_S = 1.0

Events = list[UsageFacts]


class Settlements:
    """`open` starts the retries; `close` tries once more and writes to the log what is left."""

    def __init__(self, valkey: ValkeyClient, units: SyncUnits) -> None:
        self._valkey = valkey
        self._units = units
        self._held: deque[Events] = deque()
        self._retries: asyncio.Task[None] | None = None

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
        for events in self._held:
            logger.error("usage that could not be stored: %s", events_dump(events).decode())

    async def settle(self, call: Call) -> None:
        """Returns once the events are safe, or held. Never raises."""
        events = events_of(call)
        if events and not await self._deliver(events):
            logger.error("usage of call %s is held in memory", call.request_id)
            self._held.append(events)
        await self._ask_rechecks(call)

    async def _deliver(self, events: Events) -> bool:
        try:
            await self._valkey.command("XADD", STREAM, "*", FIELD, events_dump(events))
        except (ValkeyAway, ValkeyReplyError):
            return await self._deliver_to_database(events)
        return True

    async def _deliver_to_database(self, events: Events) -> bool:
        """What Valkey took after all, though it did not answer, is recognised by its ids."""
        try:
            await self._units.run(usage_record, events)
        except (DatabaseAway, DatabaseError) as error:
            logger.warning("usage was not recorded: %s", type(error).__name__)
            return False
        return True

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(RETRY_EVERY_S)
            await self._deliver_held()

    async def _deliver_held(self) -> None:
        while self._held and await self._deliver(self._held[0]):
            self._held.popleft()

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
