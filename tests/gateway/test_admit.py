"""The configuration of this very moment: promises 13 and 27."""

import pytest
from django.conf import settings

from llmhub.base.valkey import valkey
from tenants.config_versions import UNDER_WAY, version_key
from tenants.models import Tenant
from tests.committed_people import Person
from tests.gateway.raw_http import chat
from tests.gateway.server import RunningGateway, running_gateway


def test_a_disabled_model_is_refused_on_the_very_next_request(
    gateway: RunningGateway, alice: Person
) -> None:
    assert chat(gateway, alice.token).status == 200
    alice.switch("test-chat", is_enabled=False)
    answer = chat(gateway, alice.token)
    assert (answer.status, answer.code) == (403, "model_disabled")
    assert "POST /llm/enable_llm" in answer.json["error"]["message"]
    alice.switch("test-chat", is_enabled=True)
    assert chat(gateway, alice.token).status == 200


def test_a_change_under_way_is_looked_up_in_the_database(
    gateway: RunningGateway, alice: Person
) -> None:
    assert chat(gateway, alice.token).status == 200
    alice.switch("test-chat", is_enabled=False)
    # As a process leaves it that died between the commit and its publication.
    valkey().set(version_key(alice.tenant.pk), UNDER_WAY)
    assert chat(gateway, alice.token).status == 403
    assert valkey().get(version_key(alice.tenant.pk)) == UNDER_WAY


def test_a_missing_version_is_looked_up_and_published(
    gateway: RunningGateway, alice: Person
) -> None:
    assert chat(gateway, alice.token).status == 200
    alice.switch("test-chat", is_enabled=False)
    valkey().flushdb()
    assert chat(gateway, alice.token).status == 403
    alice.switch("test-chat", is_enabled=True)
    valkey().flushdb()
    assert chat(gateway, alice.token).status == 200
    version = Tenant.objects.get(pk=alice.tenant.pk).config_version
    assert chat(gateway, alice.token).status == 200
    assert valkey().get(version_key(alice.tenant.pk)) == str(version).encode()


@pytest.mark.parametrize("value", [b"", b"-1", b"nonsense", b"9" * 30])
def test_nonsense_in_valkey_costs_a_query_and_nothing_else(
    gateway: RunningGateway, alice: Person, value: bytes
) -> None:
    assert chat(gateway, alice.token).status == 200
    valkey().set(version_key(alice.tenant.pk), value)
    assert chat(gateway, alice.token).status == 200


def test_a_change_of_the_platform_reaches_every_tenant(
    gateway: RunningGateway, alice: Person
) -> None:
    from providers.models import LLMFactory
    from tenants.audit.services import operator_change
    from tests.committed_people import ACTOR, FACTORY

    assert chat(gateway, alice.token).status == 200
    for is_active, expected in ((False, 403), (True, 200)):
        with operator_change(actor=ACTOR, action="factory.switch") as change:
            LLMFactory.objects.filter(name=FACTORY).update(is_active=is_active)
            change.about("factory", FACTORY, FACTORY)
        assert chat(gateway, alice.token).status == expected


def test_without_valkey_calls_flow_and_a_revoked_token_is_still_refused(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    nowhere = replace(settings.HUB, redis_url="redis://127.0.0.1:1/0")
    monkeypatch.setattr(settings, "HUB", nowhere)
    with running_gateway() as gateway:
        assert chat(gateway, alice.token).status == 200
        alice.switch("test-chat", is_enabled=False)
        assert chat(gateway, alice.token).status == 403
        alice.switch("test-chat", is_enabled=True)
        assert chat(gateway, alice.token).status == 200
        alice.revoke()
        assert chat(gateway, alice.token).status == 401
    assert [event.result_status for event in alice.ledger()] == [200, 403, 200]
