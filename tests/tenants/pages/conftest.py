from collections.abc import Iterator

import pytest
from django.test import Client

from llmhub.base.secret import Secret
from llmhub.base.valkey import valkey
from tenants.actors import Actor
from tenants.services.tenants import CreatedTenant, tenant_create
from tenants.services.users import user_set_password

ACTOR = Actor.from_command("tests")
PASSWORD = "alice-has-a-long-one"


@pytest.fixture(autouse=True)
def _no_failures_counted() -> Iterator[None]:
    yield
    for key in valkey().scan_iter("hub:sign_in:*"):
        valkey().delete(key)


@pytest.fixture
def alice() -> CreatedTenant:
    created = tenant_create(
        slug="alice", name="Alice's", owner_email="alice@example.com", actor=ACTOR
    )
    user_set_password(user=created.owner, password=Secret(PASSWORD), actor=ACTOR)
    return created


@pytest.fixture
def charlie() -> CreatedTenant:
    return tenant_create(
        slug="charlie", name="Charlie's", owner_email="charlie@example.com", actor=ACTOR
    )


@pytest.fixture
def browser() -> Client:
    """With the CSRF check on, as a browser meets it."""
    return Client(enforce_csrf_checks=True)
