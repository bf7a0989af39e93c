"""Which schemas of the database still miss migrations."""

from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from tenants.models import Tenant


def shared_is_current() -> bool:
    """Whether every migration has been applied to the shared schema."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def outdated_schemas() -> list[str]:
    """The tenants' schemas that miss a migration of the tenant apps; one short query for each."""
    wanted = _tenant_leaves()
    schemas = Tenant.objects.exclude(schema_name="public").order_by("schema_name")
    names = list(schemas.values_list("schema_name", flat=True))
    return [name for name in names if not wanted <= _applied(name)]


def _tenant_leaves() -> set[tuple[str, str]]:
    labels = {apps.get_app_config(name.rpartition(".")[2]).label for name in settings.TENANT_APPS}
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    return {leaf for leaf in leaves if leaf[0] in labels}


def _applied(schema_name: str) -> set[tuple[str, str]]:
    table = sql.Identifier(schema_name, "django_migrations")
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT app, name FROM {}").format(table))
            return set(cursor.fetchall())
    except ProgrammingError:  # no such table: a schema that was never made
        return set()
