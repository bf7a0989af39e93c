"""The operator's pages of tenants."""

import pytest

from tenants.config_versions import versions_of
from tenants.models import Membership, OperatorAuditEntry, Tenant, TenantStatus
from tenants.platform import platform_get
from tests.llmhub.admin.pages import act, actions_since, last_entry_id, page, text

pytestmark = pytest.mark.django_db

INLINE = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}


def change(tenant, **values):
    return {"name": tenant.name, "status": tenant.status, **INLINE, **values}


def test_a_tenant_is_created_with_its_owner_and_an_audit_row(operator, alice):
    before = last_entry_id()
    form = {"slug": "bolts", "name": "Bolts & Co", "owner_email": "bob@example.com"}
    operator.post(page("tenant", "add"), form)
    tenant = Tenant.objects.get(slug="bolts")
    assert Membership.objects.get(tenant=tenant).user.email == "bob@example.com"
    assert actions_since(before) == ["tenant.create"]
    entry = OperatorAuditEntry.objects.latest("pk")
    assert (entry.actor_label, entry.source_ip) == (alice.email, "127.0.0.1")


@pytest.mark.parametrize(
    ("slug", "said"),
    [("Not A Slug", "slug"), ("admin", "reserved"), ("charlie", "already exists")],
)
def test_a_slug_that_cannot_be_is_refused_beside_its_field(operator, charlie, slug, said):
    form = {"slug": slug, "name": "X", "owner_email": "bob@example.com"}
    response = operator.post(page("tenant", "add"), form)
    assert response.status_code == 200
    assert any(said in message for message in response.context["errors"].as_data()[0]) or said in (
        " ".join(response.context["adminform"].form.errors.get("slug", []))
    )
    assert Tenant.objects.filter(slug=slug).count() == (slug == "charlie")


def test_suspending_raises_the_tenants_version_and_is_audited(operator, charlie):
    tenant = charlie.tenant
    before, version = last_entry_id(), versions_of([tenant.pk])[tenant.pk]
    address = page("tenant", "change", tenant.pk)
    operator.post(address, change(tenant, status="suspended", name="Charlie & Sons"))
    tenant.refresh_from_db()
    assert (tenant.status, tenant.name) == (TenantStatus.SUSPENDED, "Charlie & Sons")
    assert versions_of([tenant.pk])[tenant.pk] > version
    assert actions_since(before) == ["tenant.update"]


def test_saving_without_a_change_leaves_no_row(operator, charlie):
    before = last_entry_id()
    address = page("tenant", "change", charlie.tenant.pk)
    operator.post(address, change(charlie.tenant))
    assert actions_since(before) == []


def test_tenants_are_suspended_and_reactivated_from_the_list(operator, charlie):
    act(operator, "tenant", "suspend", [charlie.tenant])
    charlie.tenant.refresh_from_db()
    assert charlie.tenant.status == TenantStatus.SUSPENDED
    act(operator, "tenant", "reactivate", [charlie.tenant])
    charlie.tenant.refresh_from_db()
    assert charlie.tenant.status == TenantStatus.ACTIVE


def test_a_form_cannot_set_more_than_it_shows(operator, charlie):
    tenant = charlie.tenant
    stray = {"slug": "other", "schema_name": "public", "config_version": 99, "id": "1"}
    operator.post(page("tenant", "change", tenant.pk), change(tenant, name="New", **stray))
    tenant.refresh_from_db()
    assert (tenant.name, tenant.slug, tenant.schema_name) == ("New", "charlie", "t_charlie")


def test_the_platforms_own_row_is_never_shown(operator, charlie):
    platform = platform_get()
    assert platform.name not in text(operator.get(page("tenant", "changelist")))
    for view in ("change", "delete"):
        response = operator.get(page("tenant", view, platform.pk), follow=True)
        assert platform.slug not in [
            getattr(response.context.get("original"), "slug", None),
            getattr(response.context.get("object"), "slug", None),
        ]
    operator.post(page("tenant", "delete", platform.pk), {"slug": platform.slug})
    assert Tenant.objects.filter(pk=platform.pk).exists()


def test_deleting_needs_the_slug_to_be_typed(operator, charlie):
    address = page("tenant", "delete", charlie.tenant.pk)
    assert "cannot" not in text(operator.get(address))
    response = operator.post(address, {"slug": "charly"})
    assert "Type charlie to delete this tenant." in text(response)
    operator.post(address, {"post": "yes"})
    assert Tenant.objects.filter(pk=charlie.tenant.pk).exists()
    before = last_entry_id()
    operator.post(address, {"slug": "charlie"})
    assert not Tenant.objects.filter(pk=charlie.tenant.pk).exists()
    assert actions_since(before) == ["tenant.delete"]


def test_many_tenants_are_not_deleted_at_once(operator, charlie):
    act(operator, "tenant", "delete_selected", [charlie.tenant])
    assert Tenant.objects.filter(pk=charlie.tenant.pk).exists()


def test_a_refusal_of_a_service_is_a_message_and_no_500(operator, charlie):
    Tenant.objects.filter(pk=charlie.tenant.pk).update(name="")
    response = act(operator, "tenant", "suspend", [charlie.tenant])
    assert response.status_code == 200
    assert "name: This field cannot be blank." in text(response)
