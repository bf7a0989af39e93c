import pytest
from django.test import Client

from tenants.actors import Actor
from tenants.models import User
from tenants.services.tenants import CreatedTenant, tenant_create

ACTOR = Actor.from_command("tests")


@pytest.fixture
def alice() -> User:
    return User.objects.create_superuser("alice@example.com", "a-long-password")


@pytest.fixture
def console(client: Client, alice: User, catalog: None) -> Client:
    """The operator's console with the shipped catalog, signed in."""
    client.force_login(alice)
    return client


@pytest.fixture
def operator(client: Client, alice: User) -> Client:
    """The operator's console, signed in, for pages that show nothing of the catalog."""
    client.force_login(alice)
    return client


@pytest.fixture
def charlie() -> CreatedTenant:
    """A tenant of the platform, with its owner."""
    return tenant_create(
        slug="charlie", name="Charlie's", owner_email="charlie@example.com", actor=ACTOR
    )
