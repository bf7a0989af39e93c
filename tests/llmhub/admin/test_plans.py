"""The operator's pages of plans."""

import pytest

from tenants.config_versions import versions_of
from tenants.models import Plan, Tenant
from tenants.platform import platform_get
from tenants.services.tenants import tenant_update
from tests.llmhub.admin.pages import act, actions_since, last_entry_id, page
from tests.llmhub.admin.test_tenants import change
from tests.people import ACTOR

pytestmark = pytest.mark.django_db

FORM = {
    "name": "Small",
    "requests_per_minute": "60",
    "tokens_per_minute": "",
    "concurrency": "",
    "budget_usd": "20",
    "budget_usd_period": "month",
    "budget_tokens": "",
    "budget_tokens_period": "month",
}


@pytest.fixture
def plan(operator) -> Plan:
    operator.post(page("plan", "add"), FORM)
    return Plan.objects.get()


def test_a_plan_is_made_with_an_audit_row(operator, alice):
    before = last_entry_id()
    operator.post(page("plan", "add"), FORM)
    plan = Plan.objects.get()
    assert (plan.requests_per_minute, plan.tokens_per_minute, plan.budget_usd) == (60, None, 20)
    assert actions_since(before) == ["plan.create"]


@pytest.mark.parametrize(
    "wrong",
    [{"requests_per_minute": "", "budget_usd": ""}, {"budget_usd": "-1"}, {"concurrency": "0"}],
    ids=str,
)
def test_what_makes_no_plan_is_refused(operator, wrong):
    assert operator.post(page("plan", "add"), FORM | wrong).status_code == 200
    assert not Plan.objects.exists()


def test_a_changed_plan_reaches_every_gateway(operator, plan):
    platform = platform_get().pk
    version = versions_of([platform])[platform]
    before = last_entry_id()
    operator.post(page("plan", "change", plan.pk), FORM | {"requests_per_minute": "30"})
    plan.refresh_from_db()
    assert plan.requests_per_minute == 30
    assert versions_of([platform])[platform] > version
    assert actions_since(before) == ["plan.update"]


def test_a_tenant_gets_a_plan_and_loses_it(operator, plan, charlie):
    tenant = charlie.tenant
    for wanted, name in ((str(plan.pk), "Small"), ("", None)):
        version = versions_of([tenant.pk])[tenant.pk]
        operator.post(page("tenant", "change", tenant.pk), change(tenant, plan=wanted))
        tenant.refresh_from_db()
        assert (tenant.plan.name if tenant.plan else None) == name
        assert versions_of([tenant.pk])[tenant.pk] > version


def test_a_plan_that_a_tenant_has_stays(operator, plan, charlie):
    tenant_update(tenant=charlie.tenant, actor=ACTOR, plan=plan)
    act(operator, "plan", "delete_unused", [plan])
    assert Plan.objects.count() == 1
    tenant_update(tenant=charlie.tenant, actor=ACTOR, plan=None)
    act(operator, "plan", "delete_unused", [plan])
    assert not Plan.objects.exists()
    assert Tenant.objects.filter(pk=charlie.tenant.pk).exists()
