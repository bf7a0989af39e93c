"""A tenant with committed data: several connections to the database write its ledger at once."""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from llmhub.base.valkey import valkey
from tenants.models import Tenant
from tests.committed_people import Person, committed_tenant, factory_create, person_of


@pytest.fixture(scope="package")
def tenant(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Tenant]:
    with django_db_blocker.unblock():
        factory = factory_create()
        with committed_tenant("alice") as made:
            yield made
        factory.delete()


@pytest.fixture
def alice(tenant: Tenant) -> Iterator[Person]:
    valkey().flushdb()
    with person_of(tenant) as person:
        yield person
