import pytest
from django.test import Client

from providers.catalog.loader import catalog_load
from tenants.models import User


@pytest.fixture
def alice() -> User:
    return User.objects.create_superuser("alice@example.com", "a-long-password")


@pytest.fixture
def console(client: Client, alice: User) -> Client:
    """The operator's console with the shipped catalog, signed in."""
    catalog_load()
    client.force_login(alice)
    return client
