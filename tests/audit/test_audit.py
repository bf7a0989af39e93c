"""Promise 28: no audit row, no change; and rows that are there stay as they are."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from llmhub.base.errors import ServiceUnavailable
from providers.models import LLMFactory
from tenants.audit.models import AuditEntry
from tenants.models import OperatorAuditEntry, SharedConnection, Tenant
from tenants.services.tenants import tenant_create, tenant_delete
from tenants.tenancy import in_schema
from tests.isolation.routes import tenant_routes
from tests.isolation.state import state_of
from tests.llms.shared import shared_model_grant
from tests.management import COMPATIBLE, KEY, connections, model_add, model_body
from tests.people import ACTOR

NAMED = {"llm_factory": COMPATIBLE, "llm_name": "test-chat"}
ROUTE = {"name": "fast", "model_type": "chat", "targets": [{"model": "test-chat"}]}
BUDGET = {"name": "monthly", "amount": "5", "unit": "usd", "period": "month"}
# A body for every write that changes something.
WRITES = {
    "POST set_api_key": {"llm_factory": "VLLM", "api_key": KEY},
    "POST add_llm": {},
    "POST delete_llm": NAMED | {"force": True},
    "POST enable_llm": NAMED | {"status": "0"},
    "POST delete_factory": {"llm_factory": COMPATIBLE, "force": True},
    "PUT defaults": {"chat": "test-chat"},
    "POST connections": {"llm_factory": "VLLM", "name": "new", "api_key": KEY},
    "PATCH connections/<connection_id>": {"name": "renamed"},
    "DELETE connections/<connection_id>": {},
    "POST routes": ROUTE | {"name": "another"},
    "PATCH routes/<route_id>": {"is_enabled": False},
    "DELETE routes/<route_id>": {},
    "POST tokens": {"name": "new"},
    "PATCH tokens/<token_id>": {"name": "renamed"},
    "DELETE tokens/<token_id>": {},
    "POST limits": {"requests_per_minute": 1},
    "PATCH limits/<limit_id>": {"requests_per_minute": 3},
    "DELETE limits/<limit_id>": {},
    "POST budgets": BUDGET,
    "PATCH budgets/<budget_id>": {"amount": "6"},
    "DELETE budgets/<budget_id>": {},
    "PUT alerts": {"emails": ["alice@example.com"]},
    "POST alerts/secret": {},
    "POST set_price": NAMED | {"price": {"input_usd_per_mtok": "1"}},
    "PATCH settings": {"is_prompt_logging": True},
}
# Notes what a provider said; nobody's configuration changes.
NO_CHANGE = {"POST connections/<connection_id>/check"}
TABLES = ("t_alice.audit_entry", "public.tenants_operatoraudit")


def revoke_insert(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"REVOKE INSERT ON {table} FROM CURRENT_USER")


def test_every_write_of_the_api_is_here():
    writes = {str(route) for route in tenant_routes() if route.is_write}
    assert writes == set(WRITES) | NO_CHANGE


def test_without_an_audit_row_no_write_of_the_api_changes_anything(chat, provider):
    model_add(chat.api, provider, llm_name="second", connection="second")
    ids = {
        "connection_id": connections(chat.api)[-1]["id"],
        "route_id": chat.api.post("routes", ROUTE).require_success().details["route"]["id"],
        "token_id": chat.api.get("tokens").data["items"][0]["id"],
        "limit_id": chat.api.post("limits", {"concurrency": 1}).details["limit"]["id"],
        "budget_id": chat.api.post("budgets", BUDGET).details["budget"]["id"],
    }
    revoke_insert("t_alice.audit_entry")
    before = state_of(chat.tenant)
    for name, body in WRITES.items():
        verb, path = name.split(" ")
        for placeholder, value in ids.items():
            path = path.replace(f"<{placeholder}>", value)
        if path in ("set_api_key", "connections"):
            body = body | {"api_base": provider.url}
        answer = chat.api.send(verb, path, body or model_body(provider, llm_name="new"))
        assert answer.require_failure(503).code == "audit_unavailable", name
        assert answer.headers["Retry-After"] == "30"
        assert state_of(chat.tenant) == before, name


def test_without_an_audit_row_the_operator_changes_nothing(alice, provider):
    revoke_insert("public.tenants_operatoraudit")
    factories = LLMFactory.objects.count()
    LLMFactory.objects.filter(name="OpenAI").delete()
    with pytest.raises(ServiceUnavailable):
        tenant_create(slug="new", name="", owner_email="new@example.com", actor=ACTOR)
    with pytest.raises(ServiceUnavailable):
        tenant_delete(tenant=alice.tenant, actor=ACTOR)
    with pytest.raises(ServiceUnavailable):
        shared_model_grant(provider)
    with pytest.raises(Exception, match="audit record"):
        call_command("load_catalog", stdout=StringIO())
    assert set(Tenant.objects.values_list("slug", flat=True)) == {"alice", "operator"}
    assert not SharedConnection.objects.exists()
    assert LLMFactory.objects.count() == factories - 1
    alice.api.get("tokens").require_success()


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET actor_label = 'nobody'", "DELETE FROM {}", "TRUNCATE {}"]
)
def test_the_role_of_the_hub_cannot_change_audit_rows(chat, table, statement):
    refused(statement.format(table), "permission denied")
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT ALL ON {table} TO CURRENT_USER")
    refused(statement.format(table), "audit rows are only ever added")


def refused(statement: str, why: str) -> None:
    with pytest.raises(DatabaseError, match=why), transaction.atomic():
        connection.cursor().execute(statement)


def last_entry(person) -> AuditEntry:
    with in_schema(person.tenant):
        return AuditEntry.objects.first()


def test_a_row_says_who_what_and_from_where(chat):
    chat.api.post("enable_llm", NAMED | {"status": "0"}).require_success()
    row = last_entry(chat)
    assert (row.actor_kind, row.source_ip) == ("token", "127.0.0.1")
    assert row.actor_label == "alice manage+read+inference"
    assert (row.action, row.target_kind) == ("model.set_status", "model")
    assert row.target_label == f"test-chat@{COMPATIBLE}"
    assert row.before == {
        "is_enabled": True,
        "models": [f"test-chat@{COMPATIBLE} (chat)"],
    }
    assert row.after == {"is_enabled": False}


def test_a_row_names_the_person_in_the_browser(chat, bob):
    browser = bob("admin")
    browser.put("defaults", {"chat": "test-chat"}).require_success()
    row = last_entry(chat)
    assert (row.actor_kind, row.actor_label) == ("user", "bob@example.com")


def test_a_row_has_no_more_of_a_key_than_four_characters(chat):
    row = last_entry(chat)
    assert row.action == "connection.save"
    assert row.after["key"] == "…" + KEY[-4:]
    assert KEY[-5:] not in str(row.after)


def test_forwarded_headers_do_not_forge_the_source(chat):
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"}
    body = NAMED | {"status": "0"}
    chat.api.send("POST", "enable_llm", body, headers=headers).require_success()
    assert last_entry(chat).source_ip == "127.0.0.1"


def test_what_changes_nothing_writes_no_row_and_raises_no_version(chat):
    chat.api.put("defaults", {"chat": "test-chat"}).require_success()
    row, version = last_entry(chat), Tenant.objects.get(slug="alice").config_version
    chat.api.put("defaults", {"chat": "test-chat"}).require_success()
    chat.api.post("enable_llm", NAMED | {"status": "1"}).require_success()
    assert last_entry(chat) == row
    assert Tenant.objects.get(slug="alice").config_version == version


def test_a_refused_change_writes_no_row(chat):
    row = last_entry(chat)
    chat.api.post("delete_llm", NAMED | {"llm_name": "none"}).require_failure(404)
    chat.api.put("defaults", {"chat": "none"}).require_failure(404)
    assert last_entry(chat) == row


def test_the_operators_changes_are_noted_apart(alice):
    row = OperatorAuditEntry.objects.get(action="tenant.create")
    assert (row.actor_kind, row.target_label) == ("command", "alice")
    assert row.after["owner"] == "alice@example.com"
