"""What holds for the console as a whole: its site, its door, its start page, its audit page."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.utils import timezone

from llmhub.admin_site import OperatorSite
from tenants.models import OperatorAuditEntry, SharedConnection, TenantUsageDaily, User
from tenants.services.access_tokens import TokenFacts, token_create
from tenants.services.tenants import tenant_create
from tests.llmhub.admin.conftest import ACTOR
from tests.llmhub.admin.pages import page, queries, text

pytestmark = pytest.mark.django_db

XSS = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


def test_the_site_is_the_operators_and_has_no_tenant_table():
    assert type(admin.site) is not admin.AdminSite
    assert isinstance(getattr(admin.site, "_wrapped", admin.site), OperatorSite)
    labels = {model._meta.app_label for model in admin.site._registry}
    assert labels <= {"providers", "tenants"}


def test_there_is_one_door_and_it_is_the_counted_one(client, charlie):
    response = client.post("/admin/login/", {"username": "a@example.com", "password": "x"})
    assert response["Location"].startswith("/login/")
    client.force_login(charlie.owner)
    assert client.get("/admin/", follow=True).status_code == 403


def test_signing_out_of_the_console_needs_a_post(operator):
    assert operator.get("/admin/logout/").status_code == 405
    assert operator.post("/admin/logout/")["Location"] == "/login/"


def test_the_start_page_tells_what_is_so(operator, charlie):
    SharedConnection.objects.create(llm_factory="VLLM", name="rack", state="unreachable")
    today = timezone.now().date()
    for days, requests in ((0, 1), (6, 20), (7, 300)):
        TenantUsageDaily.objects.create(
            tenant=charlie.tenant,
            day=today - timedelta(days=days),
            llm_factory="OpenAI",
            llm_name="gpt-4o",
            model_type="chat",
            requests=requests,
            input_tokens=1000 * requests,
            output_tokens=requests,
        )
    response = operator.get("/admin/")
    overview = response.context["overview"]
    assert (overview.tenants, overview.requests, overview.tokens) == (1, 21, 21021)
    assert [day.requests for day in overview.days] == [20, 0, 0, 0, 0, 0, 1]
    assert "Unreachable" in text(response)


def test_a_name_cannot_run_in_the_console(operator, charlie):
    charlie.tenant.name = XSS
    charlie.tenant.save()
    token_create(tenant=charlie.tenant, facts=TokenFacts(name=XSS), actor=ACTOR)
    addresses = [
        "/admin/",
        page("tenant", "changelist"),
        page("tenant", "change", charlie.tenant.pk),
        page("tenant", "delete", charlie.tenant.pk),
        page("user", "change", charlie.owner.pk),
        page("accesstoken", "changelist"),
        page("operatorauditentry", "changelist"),
    ]
    for address in addresses:
        assert "<script>alert(1)" not in text(operator.get(address)), address
        assert "<img src=x" not in text(operator.get(address)), address


def test_pages_take_a_constant_number_of_queries(console, charlie):
    first = SharedConnection.objects.create(llm_factory="VLLM", name="one")
    entry = OperatorAuditEntry.objects.first()
    assert entry is not None
    addresses = [
        "/admin/",
        page("tenant", "changelist"),
        page("tenant", "change", charlie.tenant.pk),
        page("user", "changelist"),
        page("user", "change", charlie.owner.pk),
        page("accesstoken", "changelist"),
        page("sharedconnection", "changelist"),
        page("sharedconnection", "change", first.pk),
        page("operatorauditentry", "changelist"),
        page("operatorauditentry", "change", entry.pk),
    ]
    token_create(tenant=charlie.tenant, facts=TokenFacts(name="t"), actor=ACTOR)
    tenant_create(slug="other", name="Other", owner_email="charlie@example.com", actor=ACTOR)
    console.get("/admin/")
    few = [queries(lambda a=a: console.get(a)) for a in addresses]  # type: ignore[misc]
    for number in range(4):
        tenant = tenant_create(
            slug=f"t{number}", name=f"T{number}", owner_email="charlie@example.com", actor=ACTOR
        ).tenant
        token_create(tenant=tenant, facts=TokenFacts(name="t"), actor=ACTOR)
        row = SharedConnection.objects.create(llm_factory="VLLM", name=f"c{number}")
        row.granted_to.add(tenant)
    assert [queries(lambda a=a: console.get(a)) for a in addresses] == few  # type: ignore[misc]
    assert max(few) <= 25


def test_the_audit_is_read_only_filtered_and_searched(operator, charlie):
    entry = OperatorAuditEntry.objects.get(action="tenant.create")
    assert "charlie@example.com" in text(
        operator.get(page("operatorauditentry", "change", entry.pk))
    )
    address = page("operatorauditentry", "changelist")

    def found(**query: Any) -> int:
        return int(operator.get(address, query).context["cl"].result_count)

    assert (found(q="charlie"), found(q="nobody at all")) == (1, 0)
    assert found(action="tenant.create") == 1
    assert operator.get(page("operatorauditentry", "add")).status_code == 403
    for view in ("change", "delete"):
        response = operator.post(page("operatorauditentry", view, entry.pk), {"post": "yes"})
        assert response.status_code == 403


@pytest.mark.parametrize("model", ["tenant", "user", "accesstoken", "sharedconnection"])
def test_unsafe_requests_need_the_csrf_token(client, alice, model):
    strict = type(client)(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(page(model, "changelist"), {"action": "x"}).status_code == 403


def test_a_member_has_no_page_of_the_console(client, charlie):
    client.force_login(charlie.owner)
    for model in ("tenant", "user", "accesstoken", "sharedconnection", "operatorauditentry"):
        assert client.get(page(model, "changelist"), follow=True).status_code == 403
    address = page("user", "password", charlie.owner.pk)
    assert client.post(address, {}, follow=True).status_code == 403
    assert User.objects.filter(is_staff=True).count() == 0
