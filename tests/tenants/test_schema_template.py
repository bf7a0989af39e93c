"""A schema made from the template equals a migrated one, down to the last privilege."""

import pytest
from django.core.management import call_command
from django.db import connection

from tenants import schema_template
from tenants.models import SchemaTemplate, SpareSchema
from tenants.schema_template import fingerprint, schema_create
from tenants.spare_schemas import schema_provide, spare_schemas_refill

MADE, MIGRATED = "t_made", "t_migrated"

QUERIES = {
    "relations": """
        SELECT relname, relkind, relpersistence, relrowsecurity, reloptions, relacl::text,
               pg_get_userbyid(relowner)
        FROM pg_class WHERE relnamespace = %s::regnamespace""",
    "columns": """
        SELECT relname, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
               attgenerated, attcollation::regcollation::text, attstorage, attacl::text,
               pg_get_expr(adbin, adrelid)
        FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = %s::regnamespace AND attnum > 0 AND NOT attisdropped""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype, condeferrable, condeferred,
               convalidated, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = %s::regnamespace""",
    "indexes": """
        SELECT tablename, indexname, indexdef FROM pg_indexes
        WHERE schemaname::regnamespace = %s::regnamespace""",
    "triggers": """
        SELECT relname, tgname, tgenabled, tgtype, pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid
        WHERE relnamespace = %s::regnamespace AND NOT tgisinternal""",
    "sequences": """
        SELECT sequencename, data_type, start_value, min_value, max_value, increment_by, cycle,
               cache_size, sequenceowner, last_value
        FROM pg_sequences WHERE schemaname::regnamespace = %s::regnamespace""",
    "owned sequences": """
        SELECT refobjid::regclass::text, refobjsubid, objid::regclass::text, deptype
        FROM pg_depend JOIN pg_class ON objid = pg_class.oid
        WHERE relnamespace = %s::regnamespace AND relkind = 'S'
          AND refclassid = 'pg_class'::regclass""",
    "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = %s::regnamespace",
    "types": "SELECT typname, typtype FROM pg_type WHERE typnamespace = %s::regnamespace",
    "default privileges": """
        SELECT defaclobjtype, defaclacl::text FROM pg_default_acl
        WHERE defaclnamespace = %s::regnamespace""",
}


def make(schema: str) -> None:
    schema_create(schema)


def take(schema: str) -> None:
    assert spare_schemas_refill(wanted=1) == 1
    schema_provide(schema)
    assert not SpareSchema.objects.exists()


@pytest.fixture(params=[make, take])
def both(db, request) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {MIGRATED}")
    call_command("migrate_schemas", schema_name=MIGRATED, verbosity=0)
    connection.set_schema_to_public()
    request.param(MADE)


def facts(query: str, schema: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(query, [schema])
        return sorted(repr(row).replace(schema, "SCHEMA") for row in cursor.fetchall())


def test_the_catalogs_are_equal(both):
    assert [s for s, q in QUERIES.items() if facts(q, MADE) != facts(q, MIGRATED)] == []
    nothing = {s for s, q in QUERIES.items() if not facts(q, MADE)}
    assert nothing == {"functions", "default privileges"}
    assert applied(MADE) == applied(MIGRATED)
    assert ("llms", "0001_initial") in applied(MADE)


def test_the_comparison_sees_a_difference(both):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {MADE}.llms_connection ALTER name SET DEFAULT 'x'")
        cursor.execute(f"DROP TRIGGER audit_no_truncate ON {MADE}.audit_entry")
        cursor.execute(f"GRANT DELETE ON {MADE}.audit_entry TO CURRENT_USER")
    differing = {s for s, q in QUERIES.items() if facts(q, MADE) != facts(q, MIGRATED)}
    assert differing == {"columns", "triggers", "relations"}


def applied(schema: str) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT app, name FROM {schema}.django_migrations ORDER BY id")
        return cursor.fetchall()


def test_the_recording_is_kept_under_the_fingerprint_of_the_migrations(db):
    schema_template._statements.cache_clear()
    schema_create("t_again")
    assert SchemaTemplate.objects.get().pk == fingerprint()
