"""The database that tests see: rolled back after each test, or really committed and then emptied.

Tests use pytest-django's `django_db`, which rolls back: schemas made in a test go with it.

`django_db(transaction=True)` does not work here. Django empties the tables after such a test with
TRUNCATE, which the audit's trigger refuses, as it should. A test that needs real commits (threads,
other processes) asks for `committed` instead.
"""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.models import Model
from pytest_django.plugin import DjangoDbBlocker

from llmhub.base.valkey import valkey
from providers.catalog.loader import catalog_load
from providers.models import LLM, LLMFactory, Price
from tenants.actors import Actor
from tenants.models import SchemaTemplate, SharedConnection, Tenant, User
from tenants.services.tenants import tenant_delete
from tenants.spare_schemas import spare_schemas_refill

_CATALOG: tuple[type[Model], ...] = (LLMFactory, LLM, Price)
_COPY = "catalog_copy"


@pytest.fixture(scope="session")
def _catalog_copy(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The shipped catalog in a schema of its own: loading takes long, copying rows does not."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        catalog_load()
        cursor.execute(f"CREATE SCHEMA {_COPY}")
        for model in _CATALOG:
            table = model._meta.db_table
            cursor.execute(f"CREATE TABLE {_COPY}.{table} AS TABLE public.{table}")
        LLMFactory.objects.all().delete()


def catalog_restore() -> None:
    """The shipped catalog's rows, under the ids that they were loaded with."""
    with connection.cursor() as cursor:
        for model in _CATALOG:
            table = model._meta.db_table
            cursor.execute(f"INSERT INTO public.{table} SELECT * FROM {_COPY}.{table}")


@pytest.fixture
def catalog(_catalog_copy: None, db: None) -> None:
    """The shipped catalog, in a test that is rolled back."""
    catalog_restore()


@pytest.fixture
def committed(_catalog_copy: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A test whose transactions commit, with the shipped catalog; nothing is left of it."""
    with django_db_blocker.unblock():
        try:
            catalog_restore()
            yield
        finally:
            connection.set_schema_to_public()
            _remove_everything()
            connection.close()


def _remove_everything() -> None:
    for tenant in Tenant.objects.exclude(schema_name="public"):
        tenant_delete(tenant=tenant, actor=Actor.from_command("tests"))
    spare_schemas_refill(wanted=0)
    for model in (SharedConnection, User, LLMFactory, SchemaTemplate, Tenant):
        model.objects.all().delete()
    _forget_audit()
    valkey().flushdb()


def _forget_audit() -> None:
    """The owner of a table can lift what keeps its rows; nothing in the hub does."""
    table = "public.tenants_operatoraudit"
    with connection.cursor() as cursor:
        cursor.execute(
            f"BEGIN; ALTER TABLE {table} DISABLE TRIGGER USER;"
            f"GRANT DELETE ON {table} TO CURRENT_USER; DELETE FROM {table};"
            f"REVOKE DELETE ON {table} FROM CURRENT_USER;"
            f"ALTER TABLE {table} ENABLE TRIGGER USER; COMMIT"
        )
