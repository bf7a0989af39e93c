"""Who may call: promises 22 and 27."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.authenticate import token_check
from gateway.errors import InvalidToken
from llmhub.base.tokens import token_hash
from tenants.llms.snapshot_build import snapshot_build
from tenants.models import AccessToken, Tenant, TenantStatus
from tenants.tenancy import in_schema
from tests.committed_people import Person
from tests.gateway.raw_http import CHAT, chat, request
from tests.gateway.server import RunningGateway, running_gateway


@pytest.fixture
def replica() -> Iterator[RunningGateway]:
    with running_gateway() as running:
        yield running


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic aHViXzp4",
        "Bearer sk-other",
        "Bearer hub_" + "x" * 43,
        "Bearer hub_" + "x" * 9000,
        "hub_" + "x" * 43,
    ],
)
def test_it_refuses_what_is_no_token_of_ours(gateway: RunningGateway, header: str) -> None:
    headers = {"authorization": header} if header else {}
    answer = request(gateway, "POST", CHAT, body={}, headers=headers)
    assert (answer.status, answer.code) == (401, "invalid_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_revoked_token_is_refused_on_the_very_next_request_of_every_replica(
    gateway: RunningGateway, replica: RunningGateway, alice: Person
) -> None:
    for each in (gateway, replica):
        assert chat(each, alice.token).status == 200
    alice.revoke()
    for each in (replica, gateway):
        answer = chat(each, alice.token)
        assert (answer.status, answer.code) == (401, "invalid_api_key")


def test_a_new_token_works_at_once(gateway: RunningGateway, alice: Person) -> None:
    assert chat(gateway, alice.token).status == 200
    _, token = alice.issue()
    assert chat(gateway, token).status == 200


def test_an_expired_token_is_not_loaded_again(gateway: RunningGateway, alice: Person) -> None:
    token_id, token = alice.issue(expires_at=timezone.now() + timedelta(hours=1))
    assert chat(gateway, token).status == 200
    # Behind the services' back, so that the snapshot does not learn of it.
    past = timezone.now() - timedelta(seconds=1)
    AccessToken.objects.filter(pk=token_id).update(expires_at=past)
    assert chat(gateway, token).status == 200
    alice.switch("test-embedding", is_enabled=False)
    assert chat(gateway, token).status == 401


def test_the_error_does_not_say_what_was_wrong(gateway: RunningGateway, alice: Person) -> None:
    alice.revoke()
    revoked = chat(gateway, alice.token)
    unknown = chat(gateway, "hub_" + "y" * 43)
    assert revoked.body == unknown.body


def test_a_suspended_tenant_is_refused(gateway: RunningGateway, alice: Person) -> None:
    Tenant.objects.filter(pk=alice.tenant.pk).update(status=TenantStatus.SUSPENDED)
    assert chat(gateway, alice.token).status == 401
    Tenant.objects.filter(pk=alice.tenant.pk).update(status=TenantStatus.ACTIVE)
    assert chat(gateway, alice.token).status == 200


def test_calling_needs_the_scope_inference(gateway: RunningGateway, alice: Person) -> None:
    _, token = alice.issue(scopes=("read",))
    answer = chat(gateway, token)
    assert (answer.status, answer.code) == (403, "scope_missing")
    assert request(gateway, "GET", "/v1/models", token=token).status == 200


def test_listing_needs_no_more_than_inference(gateway: RunningGateway, alice: Person) -> None:
    _, token = alice.issue(scopes=("inference",))
    assert request(gateway, "GET", "/v1/models", token=token).status == 200


def test_the_tenant_comes_from_the_token_alone(
    gateway: RunningGateway, alice: Person, charlie: Person
) -> None:
    headers = {
        "host": f"{charlie.tenant.slug}.example.com",
        "x-tenant": charlie.tenant.slug,
        "x-forwarded-host": f"{charlie.tenant.slug}.example.com",
        "openai-organization": str(charlie.tenant.pk),
    }
    body = {
        "model": "test-chat",
        "messages": [{"role": "user", "content": "Hello"}],
        "tenant": charlie.tenant.slug,
        "tenant_id": str(charlie.tenant.pk),
        "user": charlie.tenant.slug,
    }
    answer = request(gateway, "POST", CHAT, token=alice.token, body=body, headers=headers)
    assert answer.status == 200
    assert len(alice.ledger()) == 1
    assert not charlie.ledger()
    with in_schema(charlie.tenant):
        assert set(charlie.used_tokens().values()) == {0}


def test_a_token_in_memory_expires_by_the_clock(alice: Person) -> None:
    snapshot = snapshot_build(alice.tenant.pk)
    assert snapshot is not None
    hashed = token_hash(alice.token)
    assert token_check(snapshot, hashed, ("inference",)).id == alice.token_id
    expired = replace(snapshot.tokens[hashed], expires_at=timezone.now())
    with pytest.raises(InvalidToken):
        token_check(replace(snapshot, tokens={hashed: expired}), hashed, ("inference",))
