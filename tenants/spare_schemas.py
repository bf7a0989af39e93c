"""A tenant's schema within milliseconds: taken from a few that were made ahead, and renamed.

Making a schema's relations takes PostgreSQL tens of milliseconds, renaming a schema takes one. A
task keeps HUB_SPARE_SCHEMAS of them; with none at hand a schema is made on the spot. A spare is a
row of SpareSchema and a schema of the row's name, made, taken and dropped together in one
transaction: what is killed or rolled back half-way leaves both or neither.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from tenants.models import SpareSchema
from tenants.schema_template import fingerprint, schema_create, schema_drop

# Processes of another release may still run, and keep spares of their own.
STALE_AFTER = timedelta(hours=1)

# A row whose schema somebody has dropped, or left out of a dump, must not stop a tenant's creation.
_TAKE = """
DELETE FROM tenants_spareschema WHERE schema_name = (
  SELECT schema_name FROM tenants_spareschema AS spare
  WHERE fingerprint = %s
    AND EXISTS (SELECT FROM pg_namespace WHERE nspname = spare.schema_name)
  ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING schema_name"""

_LIST = """
SELECT schema_name, created_at, fingerprint = %s
  AND EXISTS (SELECT FROM pg_namespace WHERE nspname = spare.schema_name)
FROM tenants_spareschema AS spare ORDER BY created_at"""

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('llmhub spare schemas'))"


def schema_provide(schema_name: str) -> None:
    """Give a new tenant its schema, inside the caller's transaction: a spare one, or a new one."""
    spare = _take() if settings.HUB.hub_spare_schemas else None
    if spare is None:
        schema_create(schema_name)
        return
    rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
    with connection.cursor() as cursor:
        cursor.execute(rename.format(sql.Identifier(spare), sql.Identifier(schema_name)))


def spare_schemas_refill(*, wanted: int, at_most: int | None = None) -> int:
    """Make spares until `wanted` are there, but `at_most` so many, and drop what is of no use.

    Gives how many were made. May run twice at once, be killed at any point and run again. With 0
    wanted every spare is dropped.
    """
    spares = _list()
    for name in _unwanted(spares, wanted):
        _drop(name)
    missing = wanted - sum(spare.is_usable for spare in spares)
    made = 0
    while made < min(missing, at_most or missing) and _make(wanted):
        made += 1
    return made


@dataclass(frozen=True)
class _Spare:
    schema_name: str
    created_at: datetime
    is_usable: bool


def _take() -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [fingerprint()])
        row = cursor.fetchone()
    return str(row[0]) if row else None


def _list() -> list[_Spare]:
    """The oldest first, which is the order in which they are taken."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST, [fingerprint()])
        return [_Spare(*row) for row in cursor.fetchall()]


def _unwanted(spares: Sequence[_Spare], wanted: int) -> list[str]:
    usable = [spare for spare in spares if spare.is_usable]
    stale_before = timezone.now() - STALE_AFTER
    stale = [
        spare
        for spare in spares
        if not spare.is_usable and (spare.created_at < stale_before or not wanted)
    ]
    return [spare.schema_name for spare in [*usable[wanted:], *stale]]


@transaction.atomic
def _drop(name: str) -> None:
    """Waits for a tenant that is taking it, and whose schema has another name after that."""
    SpareSchema.objects.filter(pk=name).delete()
    schema_drop(name)


@transaction.atomic
def _make(wanted: int) -> bool:
    """One more spare, unless there are enough or another process is making one."""
    if not _is_locked_for_us() or sum(spare.is_usable for spare in _list()) >= wanted:
        return False
    name = f"spare_{fingerprint()[:8]}_{uuid.uuid4().hex}"
    schema_create(name)
    SpareSchema.objects.create(schema_name=name, fingerprint=fingerprint())
    return True


def _is_locked_for_us() -> bool:
    """Until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        return bool(cursor.fetchone()[0])
