"""Promise 22: the tenant comes from the credential alone."""

import pytest
from django.db import connection

from tenants.models import Domain, Role
from tenants.services.tenants import membership_save
from tests.api import Api
from tests.isolation.state import state_of
from tests.management import connections, model_add, models
from tests.people import ACTOR, session_of

MISLEADING = ("tenant", "tenant_id", "schema_name", "schema", "domain", "slug", "domain_url")


@pytest.fixture
def claims(alice):
    """Words for Alice's tenant that Charlie may send."""
    Domain.objects.create(domain="alice.example.com", tenant=alice.tenant, is_primary=True)
    return (str(alice.tenant.pk), "alice", "t_alice", "alice.example.com")


def test_a_header_says_nothing(chat, charlie, claims):
    for claim in claims:
        headers = {
            "X-Tenant": claim,
            "X-Tenant-Id": claim,
            "X-Schema-Name": claim,
            "X-Forwarded-Host": claim,
            "Forwarded": f"host={claim}",
            "Cookie": f"tenant_id={claim}; sessionid={claim}",
        }
        answer = charlie.api.send("GET", "list", headers=headers).require_success()
        assert answer.data == {}


def test_the_host_says_nothing(chat, charlie, claims, settings):
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "alice.example.com"]
    for host in ("alice.example.com", "alice.example.com:9380"):
        answer = charlie.api.send("GET", "list", headers={"Host": host}).require_success()
        assert answer.data == {}
        assert len(chat.api.send("GET", "list", headers={"Host": host}).data) == 1


def test_a_host_that_is_not_the_hubs_is_refused_in_the_envelope(alice):
    answer = alice.api.send("GET", "list", headers={"Host": "evil.example.com"})
    assert answer.require_failure(400).code == "host_unknown"


def test_the_query_says_nothing(chat, charlie, claims):
    for claim in claims:
        query = dict.fromkeys(MISLEADING, claim)
        for path in ("list", "my_llms", "connections", "tokens", "defaults"):
            answer = charlie.api.get(path, **query).require_success()
            assert b"test-chat" not in answer.raw


def test_the_body_says_nothing(chat, charlie, claims, provider):
    before = state_of(chat.tenant)
    for claim in claims:
        extra = dict.fromkeys(MISLEADING, claim)
        model_add(charlie.api, provider, llm_name="charlies", **extra)
        charlie.api.post("tokens", {"name": "charlies"} | extra).require_success()
    assert state_of(chat.tenant) == before
    assert [m["llm_name"] for m in models(charlie.api)] == ["charlies"]


def test_a_token_speaks_for_one_tenant_also_where_its_maker_has_two(alice, charlie, provider):
    membership_save(tenant=charlie.tenant, user=alice.user, role=Role.OWNER, actor=ACTOR)
    model_add(charlie.api, provider)
    assert connections(alice.api) == []
    assert len(connections(session_of(alice.user, charlie.tenant))) == 1
    assert connections(session_of(alice.user, alice.tenant)) == []


def test_a_session_cannot_choose_a_tenant_that_one_is_no_member_of(alice, charlie, provider):
    model_add(alice.api, provider)
    browser = session_of(charlie.user, alice.tenant)
    assert connections(browser) == []


def test_a_token_beats_the_session_that_comes_with_it(alice, charlie, provider):
    model_add(alice.api, provider)
    browser = session_of(alice.user)
    headers = {"Authorization": f"Bearer {charlie.token}"}
    assert browser.send("GET", "list", headers=headers).require_success().data == {}
    wrong = {"Authorization": "Bearer hub_unknown"}
    browser.send("GET", "list", headers=wrong).require_failure(401)


def test_after_a_request_the_connection_stands_in_no_tenants_schema(chat):
    chat.api.get("list").require_success()
    Api().get("list").require_failure(401)
    chat.api.get("connections", state="broken").require_failure(400)
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ("public",)
