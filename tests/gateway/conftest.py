"""A provider that does as it is told, a gateway before it, and people with committed data."""

from collections.abc import Iterator

import openai
import pytest
from pytest_django.plugin import DjangoDbBlocker

from llmhub.base.valkey import valkey
from tenants.models import Tenant
from tests.committed_people import KEY, Person, committed_tenant, factory_create, person_of
from tests.gateway.server import RunningGateway, running_gateway
from tests.provider_server import ProviderServer, running_provider


@pytest.fixture(scope="package", autouse=True)
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The gateway's threads see what is committed alone, so nothing is rolled back here."""
    with django_db_blocker.unblock():
        factory = factory_create()
        yield
        factory.delete()


@pytest.fixture(autouse=True)
def empty_valkey() -> None:
    """But for what tells the running gateway that nothing was lost: it would bring back the usage
    of the tests before."""
    for key in valkey().scan_iter():
        if not key.startswith(b"hub:gateway:"):
            valkey().delete(key)


@pytest.fixture
def provider() -> Iterator[ProviderServer]:
    with running_provider(api_key=KEY) as server:
        yield server


@pytest.fixture(scope="package")
def gateway(committed: None) -> Iterator[RunningGateway]:
    with running_gateway() as running:
        yield running


@pytest.fixture(scope="package")
def tenants(committed: None) -> Iterator[tuple[Tenant, Tenant]]:
    with committed_tenant("alice") as alices, committed_tenant("charlie") as charlies:
        yield alices, charlies


@pytest.fixture
def alice(tenants: tuple[Tenant, Tenant], provider: ProviderServer) -> Iterator[Person]:
    with person_of(tenants[0]) as person:
        person.connect(provider.url)
        yield person


@pytest.fixture
def charlie(tenants: tuple[Tenant, Tenant], provider: ProviderServer) -> Iterator[Person]:
    with person_of(tenants[1]) as person:
        person.connect(provider.url)
        yield person


@pytest.fixture
def client(gateway: RunningGateway, alice: Person) -> Iterator[openai.OpenAI]:
    """The official client with Alice's token."""
    with openai.OpenAI(base_url=gateway.url, api_key=alice.token, max_retries=0) as made:
        yield made
