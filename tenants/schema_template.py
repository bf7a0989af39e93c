"""Making a tenant's schema from a recording of its migrations, in one round trip.

Migrating a schema takes hundreds of milliseconds; executing again what the migrations executed
takes about twenty. The recording is made once per set of migrations, in a transaction that is
rolled back, and kept in the shared table SchemaTemplate under a fingerprint of that set.
"""

import hashlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from psycopg import ClientCursor, sql

from tenants.models import SchemaTemplate

_RECORDING_SCHEMA = "t__recording"
_MIGRATION_ROW = re.compile(
    r'INSERT INTO "django_migrations" \("app", "name", "applied"\) VALUES (?P<row>\(.*\))'
    r' RETURNING "django_migrations"\."id"'
)
# All in one round trip, the search path of before included.
_AROUND = sql.SQL(
    "SELECT set_config('llmhub.search_path', current_setting('search_path'), true);"
    " CREATE SCHEMA {schema}; SET LOCAL search_path = {schema}, public; {statements}"
    " SELECT set_config('search_path', current_setting('llmhub.search_path'), true)"
)
_READING = ("SELECT", "SHOW", "SET SEARCH_PATH", "SAVEPOINT", "RELEASE")


class _RolledBack(Exception):
    """Ends the recording's transaction."""


def schema_create(schema_name: str) -> None:
    """Create the schema and everything in it, inside the caller's transaction."""
    statements = _statements(fingerprint())
    script = _AROUND.format(schema=sql.Identifier(schema_name), statements=sql.SQL(statements))
    with connection.cursor() as cursor:
        cursor.connection.execute(script, prepare=False)


def schema_drop(schema_name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema_name))
        )


@cache
def fingerprint() -> str:
    """Of the tenant apps' migrations: their names and their files' contents."""
    digest = hashlib.sha256()
    for (app_label, name), migration in sorted(_tenant_migrations().items()):
        source = Path(inspect.getfile(type(migration))).read_bytes()
        digest.update(f"{app_label}.{name}".encode() + source)
    return digest.hexdigest()


@cache
def _tenant_migrations() -> dict[tuple[str, str], Any]:
    labels = {apps.get_app_config(name.rpartition(".")[2]).label for name in settings.TENANT_APPS}
    disk = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    return {key: migration for key, migration in disk.items() if key[0] in labels}


@cache
def _statements(print_of_migrations: str) -> str:
    row = SchemaTemplate.objects.filter(pk=print_of_migrations).first()
    if row is None:
        row, _ = SchemaTemplate.objects.get_or_create(
            pk=print_of_migrations, defaults={"statements": _record()}
        )
    return row.statements


def _record() -> str:
    """Migrate a schema for real, note every statement that writes, and undo it all."""
    noted: list[str] = []
    try:
        with transaction.atomic(), _noting(noted):
            with connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(_RECORDING_SCHEMA))
                )
            noted.clear()
            call_command("migrate_schemas", schema_name=_RECORDING_SCHEMA, verbosity=0)
            raise _RolledBack
    except _RolledBack:
        pass
    finally:
        connection.set_schema_to_public()  # type: ignore[attr-defined]
    return ";\n".join(_in_fewer_statements(s.rstrip().rstrip(";") for s in noted)) + ";"


def _in_fewer_statements(statements: Iterable[str]) -> list[str]:
    """The rows of django_migrations, dozens of inserts, become one."""
    others: list[str] = []
    rows: list[str] = []
    for statement in statements:
        found = _MIGRATION_ROW.fullmatch(statement)
        rows.append(found["row"]) if found else others.append(statement)
    insert = 'INSERT INTO "django_migrations" ("app", "name", "applied") VALUES '
    return [*others, insert + ", ".join(rows)]


@contextmanager
def _noting(noted: list[str]) -> Iterator[None]:
    def note(execute: Callable[..., Any], query: Any, params: Any, many: bool, context: Any) -> Any:
        result = execute(query, params, many, context)
        text = _rendered(query, params)
        if not text.lstrip().upper().startswith(_READING):
            noted.append(text)
        return result

    with connection.execute_wrapper(note):
        yield


def _rendered(query: Any, params: Any) -> str:
    if isinstance(query, sql.Composable):
        query = query.as_string(connection.connection)
    if not params:
        return str(query)
    return ClientCursor(connection.connection).mogrify(query, params)
