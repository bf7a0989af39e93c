"""Alice owns a tenant, Bob is her teammate, Charlie owns another tenant and must see nothing."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from tenants.actors import Actor
from tenants.authentication import SESSION_TENANT
from tenants.models import Role, Tenant, User
from tenants.services.access_tokens import ALL_SCOPES, TokenFacts, token_create
from tenants.services.tenants import membership_save, tenant_create, user_get_or_create
from tests.api import Api

ACTOR = Actor.from_command("tests")


@dataclass(frozen=True)
class Person:
    """Somebody with a tenant; `api` sends a token of theirs with every scope."""

    user: User
    tenant: Tenant
    token: str
    api: Api


def person_make(name: str, slug: str) -> Person:
    """An owner and their tenant, which are not there yet."""
    created = tenant_create(
        slug=slug, name=f"{name}'s", owner_email=f"{name.lower()}@example.com", actor=ACTOR
    )
    token = token_issue(created.tenant, created_by=created.owner)
    return Person(created.owner, created.tenant, token, Api(token))


def token_issue(
    tenant: Tenant, scopes: tuple[str, ...] = ALL_SCOPES, created_by: User | None = None
) -> str:
    facts = TokenFacts(name=f"{tenant.slug} {'+'.join(scopes)}", scopes=scopes)
    issued = token_create(tenant=tenant, facts=facts, actor=ACTOR, created_by=created_by)
    return issued.secret.reveal()


def session_of(user: User, tenant: Tenant | None = None, *, has_csrf: bool = True) -> Api:
    """A signed-in browser; without `has_csrf` it sends the cookies and not the CSRF token."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(user)
    if tenant is not None:
        session = client.session
        session[SESSION_TENANT] = str(tenant.pk)
        session.save()
    csrf = secrets.token_hex(16)
    client.cookies["csrftoken"] = csrf
    return Api(client=client, headers={"X-CSRFToken": csrf} if has_csrf else {})


@pytest.fixture
def alice(catalog: None) -> Person:
    return person_make("Alice", "alice")


@pytest.fixture
def charlie(catalog: None) -> Person:
    return person_make("Charlie", "charlie")


@pytest.fixture
def bob(alice: Person) -> Callable[[Role], Api]:
    """Gives Bob's browser session as a member of Alice's tenant with that role."""

    def join(role: Role) -> Api:
        user = user_get_or_create(email="bob@example.com")
        membership_save(tenant=alice.tenant, user=user, role=role, actor=ACTOR)
        return session_of(user)

    return join
