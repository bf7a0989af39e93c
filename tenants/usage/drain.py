"""From the stream of usage events into the ledgers.

Entries are read through a consumer group, so several drains share the work, and are acknowledged
and deleted after the commit alone: what a killed drain had in hand is claimed by a later one, and
recorded once all the same, since the ledger knows each event by its id.
"""

import logging
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import redis
from django.db import DatabaseError, DataError, IntegrityError

from llmhub.base.valkey import valkey
from tenants.usage.events import FIELD, STREAM, ImpossibleEvent, UsageFacts, events_parse
from tenants.usage.services import UsageCounts, usage_record

logger = logging.getLogger(__name__)

DEAD_STREAM = "hub:usage:dead"
"""Entries that cannot be events, kept for people to look at; the oldest go beyond MAX_DEAD."""
MAX_DEAD = 10_000
GROUP = "ledger"
BATCH = 2_000
"""Entries at a time: with many tenants a batch is a few events of each, and one transaction."""
CLAIM_AFTER_MS = 30_000
"""Longer than a batch takes: whoever held an entry this long has died, or its database has."""
_CONSUMER = "drain"


@dataclass
class _Batch:
    """Entries in hand: their ids, and the events in them."""

    ids: list[bytes] = field(default_factory=list)
    events: list[UsageFacts] = field(default_factory=list)

    def add(self, entry_id: bytes, events: list[UsageFacts]) -> None:
        self.ids.append(entry_id)
        self.events += events


def usage_drain_all(*, within_s: float = 20.0, claim_after_ms: int = CLAIM_AFTER_MS) -> UsageCounts:
    """Drain until the stream is empty or the time is over.

    Raises what the database or Valkey raise; nothing is lost then, and the next call goes on.
    """
    client = valkey()
    ends_at = time.monotonic() + within_s
    _ensure_group(client)
    counts = UsageCounts()
    for read in (partial(_abandoned, client, claim_after_ms), partial(_unread, client)):
        while time.monotonic() < ends_at and (entries := read()):
            counts += _drain_entries(client, entries)
    return counts


Entry = tuple[bytes, dict[bytes, bytes] | None]


def _ensure_group(client: "redis.Redis") -> None:
    try:
        client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


def _abandoned(client: "redis.Redis", claim_after_ms: int) -> list[Entry]:
    """What a drain that died had in hand."""
    reply: Any = client.xautoclaim(
        STREAM, GROUP, _CONSUMER, min_idle_time=claim_after_ms, count=BATCH
    )
    return cast(list[Entry], reply[1])


def _unread(client: "redis.Redis") -> list[Entry]:
    reply: Any = client.xreadgroup(GROUP, _CONSUMER, {STREAM: ">"}, count=BATCH)
    if not reply:
        return []
    streams = reply.values() if isinstance(reply, dict) else (pair[1] for pair in reply)
    return [entry for entries in streams for entry in entries]


def _drain_entries(client: "redis.Redis", entries: list[Entry]) -> UsageCounts:
    batch = _Batch()
    for entry_id, fields in entries:
        try:
            batch.add(entry_id, events_parse((fields or {}).get(FIELD, b"")))
        except ImpossibleEvent as error:
            _bury(client, entry_id, fields, str(error))
    if not batch.ids:
        return UsageCounts()
    try:
        counts = usage_record(batch.events)
    except (DataError, IntegrityError):
        return _drain_one_by_one(client, entries)
    except DatabaseError:
        _give_back(client, batch.ids)
        raise
    _acknowledge(client, batch.ids)
    return counts


def _drain_one_by_one(client: "redis.Redis", entries: list[Entry]) -> UsageCounts:
    """One entry that the database refuses must not hold up the others of its batch."""
    counts = UsageCounts()
    for entry_id, fields in entries:
        try:
            counts += usage_record(events_parse((fields or {}).get(FIELD, b"")))
        except ImpossibleEvent:
            continue
        except (DataError, IntegrityError) as error:
            _bury(client, entry_id, fields, f"the database refused it: {type(error).__name__}")
            continue
        _acknowledge(client, [entry_id])
    return counts


def _give_back(client: "redis.Redis", ids: list[bytes]) -> None:
    """Make them as old as abandoned ones: the next drain tries them before it reads further, so a
    database that is away for hours leaves one batch in hand and not the whole stream."""
    client.xclaim(STREAM, GROUP, _CONSUMER, 0, list(ids), idle=CLAIM_AFTER_MS, justid=True)


def _acknowledge(client: "redis.Redis", ids: list[bytes]) -> None:
    """In one transaction: an entry that is acknowledged and not deleted would stay for ever."""
    with client.pipeline(transaction=True) as together:
        together.xack(STREAM, GROUP, *ids)
        together.xdel(STREAM, *ids)
        together.execute()


def _bury(
    client: "redis.Redis", entry_id: bytes, fields: dict[bytes, bytes] | None, reason: str
) -> None:
    logger.error("usage entry %s is moved to %s: %s", entry_id.decode(), DEAD_STREAM, reason)
    kept: dict[Any, Any] = {**(fields or {}), b"entry": entry_id, b"reason": reason}
    with client.pipeline(transaction=True) as together:
        together.xadd(DEAD_STREAM, kept, maxlen=MAX_DEAD, approximate=True)
        together.xack(STREAM, GROUP, entry_id)
        together.xdel(STREAM, entry_id)
        together.execute()
