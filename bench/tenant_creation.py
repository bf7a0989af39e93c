"""Creating a tenant while 300 are there, against migrating a schema in the same run.

The database is thrown away afterwards. Times are in milliseconds.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

from django.core.management import call_command
from django.db import connection

from tenants.actors import Actor
from tenants.schema_template import schema_drop
from tenants.services.tenants import tenant_create

PRESENT = 300
ROUNDS = 20
MIGRATED_ROUNDS = 3

_ACTOR = Actor.from_command("bench")
_MIGRATED = "t_bench_migrated"


def run() -> dict[str, float]:
    first = _timed_ms(partial(_create, "first"))
    for number in range(1, PRESENT):
        _create(f"present-{number}")
    created = [_timed_ms(partial(_create, f"timed-{number}")) for number in range(ROUNDS)]
    migrated = [_timed_ms(_migrate) for _ in range(MIGRATED_ROUNDS)]
    median, by_migration = statistics.median(created), statistics.median(migrated)
    return {
        "tenants present": PRESENT,
        "the very first, which records the template, ms": round(first, 1),
        "tenant_create, median, ms": round(median, 1),
        "tenant_create, longest, ms": round(max(created), 1),
        "migrating a schema, median, ms": round(by_migration, 1),
        "migrating / creating": round(by_migration / median, 1),
    }


def _create(slug: str) -> None:
    tenant_create(slug=slug, name=slug, owner_email="bench@example.com", actor=_ACTOR)


def _migrate() -> None:
    schema_drop(_MIGRATED)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {_MIGRATED}")
    call_command("migrate_schemas", schema_name=_MIGRATED, verbosity=0)


def _timed_ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
