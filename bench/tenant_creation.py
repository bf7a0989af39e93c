"""Creating a tenant while 300 are there, against migrating a schema in the same run.

Gives medians in milliseconds over the rounds, and the ratio of the two.
"""

import statistics
import time
from collections.abc import Callable

from django.core.management import call_command
from django.db import connection

from tenants.actors import Actor
from tenants.schema_template import schema_drop
from tenants.services.tenants import tenant_create, tenant_delete

PRESENT = 300
ROUNDS = 20
MIGRATED_ROUNDS = 3
ACTOR = Actor.from_command("bench")


def run() -> dict[str, float]:
    created = [_create(f"bench-{n}") for n in range(PRESENT)]
    try:
        timed = [_timed(lambda n=n: created.append(_create(f"timed-{n}"))) for n in range(ROUNDS)]
        migrated = [_timed(_migrate) for _ in range(MIGRATED_ROUNDS)]
    finally:
        for tenant in created:
            tenant_delete(tenant=tenant, actor=ACTOR)
        schema_drop("t_bench_migrated")
    median, by_migration = statistics.median(timed), statistics.median(migrated)
    return {
        "tenants_present": PRESENT,
        "create_median_ms": round(median, 1),
        "create_max_ms": round(max(timed), 1),
        "migrate_median_ms": round(by_migration, 1),
        "ratio": round(by_migration / median, 1),
    }


def _create(slug: str):  # type: ignore[no-untyped-def]
    return tenant_create(slug=slug, name=slug, owner_email="bench@example.com", actor=ACTOR).tenant


def _migrate() -> None:
    schema_drop("t_bench_migrated")
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_bench_migrated")
    call_command("migrate_schemas", schema_name="t_bench_migrated", verbosity=0)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
