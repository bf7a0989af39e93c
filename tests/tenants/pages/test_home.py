"""The start page, and choosing a tenant."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from tenants.llms.services.api_keys import KeyRequest, api_key_set
from tenants.models import Role, TenantStatus, User
from tenants.pages.example_call import example_call
from tenants.services.shared_connections import (
    SharedConnectionFacts,
    SharedModelFacts,
    shared_connection_save,
)
from tenants.services.tenants import membership_save, tenant_update
from tests.tenants.pages.conftest import ACTOR

pytestmark = pytest.mark.django_db

KEY = "sk-proj-canary-canary-canary-canary-4321"


@pytest.fixture
def with_models(alice, catalog):
    """Alice has a key of her own, and a shared connection."""
    request = KeyRequest("OpenAI", KEY, is_tested=False)
    api_key_set(tenant=alice.tenant, request=request, actor=ACTOR)
    facts = SharedConnectionFacts(
        "VLLM",
        "rack",
        "http://127.0.0.1:9/v1",
        (SharedModelFacts("qwen", ModelType.CHAT),),
        credentials={"api_key": Secret(KEY)},
        state="unreachable",
        is_granted_to_all=True,
    )
    shared_connection_save(facts=facts, actor=ACTOR)
    return alice


def test_whoever_is_not_signed_in_is_led_to_the_form(client):
    assert client.get("/")["Location"] == "/login/?next=/"


def test_a_member_sees_their_models_and_a_call_that_works(client, with_models):
    client.force_login(with_models.owner)
    shown = client.get("/").content.decode()
    assert "Alice&#x27;s" in shown
    assert "Your role here: owner." in shown
    assert "gpt-4o-mini" in shown
    assert "Unreachable" in shown
    assert "/v1/chat/completions" in shown
    assert "@OpenAI" in shown


def test_no_key_and_no_address_of_the_operators_servers_is_on_the_page(client, with_models):
    client.force_login(with_models.owner)
    shown = client.get("/").content.decode()
    assert KEY not in shown
    assert "canary" not in shown
    assert "127.0.0.1:9" not in shown


def test_a_tenant_without_models_is_told_what_to_do(client, charlie):
    client.force_login(charlie.owner)
    shown = client.get("/").content.decode()
    assert "No models yet." in shown
    assert "MODEL" in shown


def test_an_operator_without_a_tenant_is_led_to_the_console(client):
    client.force_login(User.objects.create_superuser("op@example.com"))
    shown = client.get("/").content.decode()
    assert "Open the console" in shown


def test_a_member_of_a_suspended_tenant_sees_nothing_of_it(client, charlie):
    tenant_update(tenant=charlie.tenant, status=TenantStatus.SUSPENDED, actor=ACTOR)
    client.force_login(charlie.owner)
    shown = client.get("/").content.decode()
    assert "You are not a member of an active tenant." in shown
    assert "Charlie" not in shown


def test_someone_with_two_tenants_switches_between_them(client, alice, charlie):
    membership_save(tenant=charlie.tenant, user=alice.owner, role=Role.VIEWER, actor=ACTOR)
    client.force_login(alice.owner)
    assert client.get("/").context["membership"].tenant == alice.tenant
    client.post("/tenant/", {"tenant": str(charlie.tenant.pk)})
    response = client.get("/")
    assert response.context["membership"].tenant == charlie.tenant
    assert "Your role here: viewer." in response.content.decode()


def test_charlie_cannot_switch_to_alices_tenant(client, alice, charlie):
    client.force_login(charlie.owner)
    for wanted in (str(alice.tenant.pk), "not-a-uuid", ""):
        assert client.post("/tenant/", {"tenant": wanted}).status_code == 404
    assert client.get("/").context["membership"].tenant == charlie.tenant
    assert client.get("/tenant/").status_code == 405


def test_switching_needs_the_csrf_token(browser, alice, charlie):
    membership_save(tenant=charlie.tenant, user=alice.owner, role=Role.VIEWER, actor=ACTOR)
    browser.force_login(alice.owner)
    assert browser.post("/tenant/", {"tenant": str(charlie.tenant.pk)}).status_code == 403
    assert browser.get("/").context["membership"].tenant == alice.tenant


def test_the_page_takes_a_constant_number_of_queries(client, with_models):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/").status_code == 200
        return len(captured)

    client.force_login(with_models.owner)
    queries()
    few = queries()
    for name in ("two", "three", "four"):
        request = KeyRequest("OpenAI", KEY, connection_name=name, is_tested=False)
        api_key_set(tenant=with_models.tenant, request=request, actor=ACTOR)
    queries()
    assert queries() == few


def test_names_that_a_tenant_chooses_cannot_run(client, alice):
    tenant_update(tenant=alice.tenant, name="<script>alert(1)</script>", actor=ACTOR)
    client.force_login(alice.owner)
    assert "<script>alert" not in client.get("/").content.decode()


def test_the_example_is_quoted_for_a_shell():
    call = example_call(public_url="http://hub", model="it's; rm -rf /")
    assert "'\"'\"'" in call
    assert '"Authorization: Bearer $HUB_TOKEN"' in call


def test_an_unknown_page_is_a_plain_404(client):
    response = client.get("/nothing")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()
