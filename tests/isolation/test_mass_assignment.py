"""Promise 33: fields of models that are no parameters change nothing."""

from typing import Any

import pytest
from django.apps import apps

from tenants.llms.models import Connection, TenantLLM
from tenants.models import AccessToken, Membership, Tenant, User
from tenants.tenancy import in_schema
from tests.management import COMPATIBLE, KEY, connections, model_body
from tests.people import Person

OURS = ("tenants", "llms", "limits", "usage", "audit", "providers")
# What a request may set, by the names of the API: everything else is a stranger.
PARAMETERS = {
    "llm_factory",
    "llm_name",
    "model_type",
    "max_tokens",
    "name",
    "scopes",
    "allowed_models",
    "expires_at",
    "is_enabled",
    "connection",
    "status",
}
HIGH = 2_000_000_000


def strangers() -> dict[str, Any]:
    """Every field of every model, with a value that would be noticed."""
    fields = (f for m in apps.get_models() if m._meta.app_label in OURS for f in m._meta.fields)
    names = {name for f in fields for name in (f.name, f.attname)} - PARAMETERS
    wanted = {"role": "owner", "is_staff": True, "is_superuser": True, "is_platform": True}
    return dict.fromkeys(sorted(names), HIGH) | wanted


def facts(person: Person) -> dict[str, Any]:
    """What must not move."""
    with in_schema(person.tenant):
        rows = {
            "connections": list(
                Connection.objects.values("id", "state", "key_hint", "created_at").order_by("id")
            ),
            "used": list(TenantLLM.objects.values_list("id", "used_tokens")),
        }
    return rows | {
        "users": list(User.objects.values("email", "is_staff", "is_superuser", "is_active")),
        "members": list(Membership.objects.values("user_id", "tenant_id", "role")),
        "tenants": list(Tenant.objects.values("id", "schema_name", "slug", "status", "name")),
        "tokens": list(
            AccessToken.objects.values("id", "tenant_id", "token_hash", "last4", "revoked_at")
        ),
    }


def test_the_strangers_are_the_fields_that_matter():
    assert {"tenant", "tenant_id", "used_tokens", "is_staff", "role", "token_hash"} <= set(
        strangers()
    )


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("POST", "set_api_key", {"llm_factory": "OpenAI", "api_key": KEY, "verify_only": True}),
        ("POST", "add_llm", None),
        ("POST", "enable_llm", {"llm_factory": COMPATIBLE, "llm_name": "test-chat", "status": "0"}),
        ("PATCH", "connections/<connection>", {"name": "default"}),
        ("POST", "connections/<connection>/check", {}),
        ("PATCH", "tokens/<token>", {"name": "renamed"}),
        ("PUT", "defaults", None),
    ],
)
def test_they_change_nothing(chat, charlie, provider, verb, path, body):
    row = connections(chat.api)[0]
    token = chat.api.get("tokens").data["items"][0]
    before = facts(chat)
    if path == "set_api_key":
        body = body | {"api_base": provider.url}
    given = strangers() | (model_body(provider) if body is None else body)
    address = path.replace("<connection>", row["id"]).replace("<token>", token["id"])
    if path == "defaults":
        chat.api.send(verb, address, {"chat": "test-chat"} | strangers()).require_failure(400)
    else:
        given.pop("api_base", None) if path == "add_llm" else None
        chat.api.send(verb, address, given).require_success()
    assert facts(chat) == before


def test_they_do_not_enter_what_is_created(alice, charlie):
    body = {"name": "app", "scopes": ["read"]} | strangers()
    made = alice.api.post("tokens", body).require_success().details
    row = AccessToken.objects.get(pk=made["id"])
    assert row.tenant == alice.tenant
    assert row.created_by is None or row.created_by == alice.user
    assert row.revoked_at is None
    assert row.scopes == ["read"]


def test_they_do_not_enter_a_new_connection(alice, charlie, provider):
    body = strangers() | {"llm_factory": "OpenAI", "name": "mine", "api_key": KEY}
    body |= {"api_base": provider.url, "test": False}
    made = alice.api.post("connections", body).require_success().details["connection"]
    assert made["state"] == "unverified"
    assert made["is_enabled"] is True
    assert connections(charlie.api) == []
    with in_schema(alice.tenant):
        assert set(TenantLLM.objects.values_list("used_tokens", flat=True)) == {0}
