"""All that the database holds of one tenant, to compare before and after."""

from django.db import connection

from tenants.models import Tenant

# Seen on each request of the tenant's own, and no configuration.
_MOVING = ("last_used_at",)


def state_of(tenant: Tenant) -> dict[str, list[str]]:
    """Every row of the tenant's schema, and every shared row that names the tenant, as text."""
    with connection.cursor() as cursor:
        own = {f"{tenant.schema_name}.{t}": "true" for t in _tables(cursor, tenant.schema_name)}
        shared = {f"public.{t}": "t::text LIKE %(id)s" for t in _tables(cursor, "public")}
        return {
            table: rows
            for table, condition in (own | shared).items()
            if (rows := _rows(cursor, table, condition, tenant))
        }


def _tables(cursor, schema: str) -> list[str]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
    return sorted(name for (name,) in cursor.fetchall())


def _rows(cursor, table: str, condition: str, tenant: Tenant) -> list[str]:
    cursor.execute(
        f"SELECT (to_jsonb(t) - %(moving)s::text[])::text FROM {table} AS t WHERE {condition}",
        {"moving": list(_MOVING), "id": f"%{tenant.pk}%"},
    )
    return sorted(row for (row,) in cursor.fetchall())
