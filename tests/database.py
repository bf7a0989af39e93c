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
from providers.models import LLM, CatalogLoad, LLMFactory, Price
from tenants.actors import Actor
from tenants.models import SchemaTemplate, SharedConnection, Tenant, User
from tenants.services.tenants import tenant_delete
from tenants.spare_schemas import spare_schemas_refill

_CATALOG: tuple[type[Model], ...] = (LLMFactory, LLM, Price, CatalogLoad)
_COPY = "catalog_copy"
FAMILIAR = [
    "Anthropic",
    "Azure-OpenAI",
    "Bedrock",
    "Builtin",
    "Gemini",
    "Google Cloud",
    "HuggingFace",
    "LocalAI",
    "Ollama",
    "OpenAI",
    "OpenAI-API-Compatible",
    "VLLM",
]
"""The factories that tests find in the catalog unless they ask for the whole: hundreds of tests
copy them, and the whole is six times as many rows."""


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
        CatalogLoad.objects.all().delete()


def catalog_restore() -> None:
    """The rows of FAMILIAR, under the ids that they were loaded with."""
    _copy_back(f"name = ANY(ARRAY{FAMILIAR!r})")


def _copy_back(which: str) -> None:
    """The factories that the condition `which` is true of, with their models and prices."""
    factories = f"SELECT id FROM {_COPY}.{LLMFactory._meta.db_table} WHERE {which}"
    llms = f"SELECT id FROM {_COPY}.{LLM._meta.db_table} WHERE factory_id IN ({factories})"
    with connection.cursor() as cursor:
        for model, column, keys in (
            (LLMFactory, "id", factories),
            (LLM, "factory_id", factories),
            (Price, "llm_id", llms),
        ):
            table = model._meta.db_table
            rows = f"SELECT * FROM {_COPY}.{table} WHERE {column} IN ({keys})"
            cursor.execute(f"INSERT INTO public.{table} {rows}")


@pytest.fixture
def catalog(_catalog_copy: None, db: None) -> None:
    """A part of the shipped catalog that is quickly there, in a test that is rolled back."""
    catalog_restore()


@pytest.fixture
def whole_catalog(catalog: None) -> None:
    """The shipped catalog, as if it had been loaded: for tests of the catalog itself."""
    _copy_back(f"NOT name = ANY(ARRAY{FAMILIAR!r})")
    with connection.cursor() as cursor:
        table = CatalogLoad._meta.db_table
        cursor.execute(f"INSERT INTO public.{table} SELECT * FROM {_COPY}.{table}")


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
    for model in (SharedConnection, User, LLMFactory, CatalogLoad, SchemaTemplate, Tenant):
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
