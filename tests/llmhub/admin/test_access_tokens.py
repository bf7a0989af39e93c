"""The operator's page of tokens: metadata, and revoking."""

import pytest

from tenants.audit.models import AuditEntry
from tenants.models import AccessToken
from tenants.services.access_tokens import TokenFacts, token_create
from tenants.tenancy import in_schema
from tests.llmhub.admin.conftest import ACTOR
from tests.llmhub.admin.pages import act, page, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued(charlie):
    return token_create(tenant=charlie.tenant, facts=TokenFacts(name="robot"), actor=ACTOR)


def test_tokens_are_listed_without_a_secret(operator, issued):
    for address in (
        page("accesstoken", "changelist"),
        page("accesstoken", "change", issued.token.pk),
    ):
        shown = text(operator.get(address))
        assert f"…{issued.token.last4}" in shown
        assert issued.secret.reveal() not in shown
        assert issued.token.token_hash not in shown


def test_a_token_is_revoked_by_its_service(operator, issued, charlie):
    act(operator, "accesstoken", "revoke", [issued.token])
    issued.token.refresh_from_db()
    assert issued.token.revoked_at is not None
    with in_schema(charlie.tenant):
        assert AuditEntry.objects.latest("pk").action == "token.revoke"


@pytest.mark.parametrize(("state", "count"), [("live", 0), ("revoked", 1)])
def test_the_list_is_filtered_by_state(operator, issued, state, count):
    act(operator, "accesstoken", "revoke", [issued.token])
    response = operator.get(page("accesstoken", "changelist"), {"state": state})
    assert response.context["cl"].result_count == count


def test_tokens_are_neither_made_nor_changed_nor_deleted_here(operator, issued):
    pk = issued.token.pk
    assert operator.get(page("accesstoken", "add")).status_code == 403
    assert operator.post(page("accesstoken", "change", pk), {"name": "x"}).status_code == 403
    assert operator.post(page("accesstoken", "delete", pk), {"post": "yes"}).status_code == 403
    assert AccessToken.objects.get(pk=pk).name == "robot"
