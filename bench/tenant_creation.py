"""Creating a tenant while 300 are there: with a spare schema at hand, in a row, and without spares;
against migrating a schema in the same run.

The hub beside it keeps making spares, as it always does. The database is thrown away afterwards.
Times are in milliseconds.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from tenants.actors import Actor
from tenants.models import SpareSchema
from tenants.schema_template import schema_drop
from tenants.services.tenants import tenant_create
from tenants.spare_schemas import spare_schemas_refill

PRESENT = 300
ROUNDS = 20
MIGRATED_ROUNDS = 3

_ACTOR = Actor.from_command("bench")
_MIGRATED = "t_bench_migrated"


def run() -> dict[str, float]:
    for number in range(PRESENT):
        _create(f"present-{number}")
    with_spare = [_with_spare_ms(f"spare-{number}") for number in range(ROUNDS)]
    _refill()
    in_a_row = [_timed_ms(partial(_create, f"row-{number}")) for number in range(ROUNDS)]
    with _spares_off():
        without = [_timed_ms(partial(_create, f"none-{number}")) for number in range(ROUNDS)]
    migrated = [_timed_ms(_migrate) for _ in range(MIGRATED_ROUNDS)]
    return {
        "tenants present": PRESENT,
        **_figures("a spare at hand", with_spare),
        **_figures("20 in a row, spares as they last", in_a_row),
        **_figures("no spare", without),
        "migrating a schema, median, ms": round(statistics.median(migrated), 1),
    }


def _figures(label: str, times: list[float]) -> dict[str, float]:
    return {
        f"{label}: median, ms": round(statistics.median(times), 1),
        f"{label}: longest, ms": round(max(times), 1),
    }


def _with_spare_ms(slug: str) -> float:
    """Refilled before, outside the timing. A creation that had to make its schema is an error."""
    _refill()
    ready = _schemas()
    taken_ms = _timed_ms(partial(_create, slug))
    made = {oid for oid, name in _schemas().items() if name == "t_" + slug.replace("-", "_")}
    if not made <= ready.keys():
        raise RuntimeError("no spare schema was at hand")
    return taken_ms


def _refill() -> None:
    """The hub's worker may be at it already: then until it is done."""
    wanted = settings.HUB.hub_spare_schemas
    while SpareSchema.objects.count() < wanted:
        if not spare_schemas_refill(wanted=wanted):
            time.sleep(0.05)


def _schemas() -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid, nspname FROM pg_namespace")
        return dict(cursor.fetchall())


@contextmanager
def _spares_off() -> Iterator[None]:
    hub = settings.HUB
    settings.HUB = replace(hub, hub_spare_schemas=0)
    try:
        yield
    finally:
        settings.HUB = hub


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
