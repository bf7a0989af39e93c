"""The operator's pages of shared connections."""

from typing import Any

import pytest

from llmhub.base.valkey import valkey
from tenants.keyring import keyring_of
from tenants.llms.recheck import rechecks_take
from tenants.models import ConnectionState, OperatorAuditEntry, SharedConnection
from tenants.platform import platform_get
from tests.llmhub.admin.pages import act, actions_since, last_entry_id, page, text

pytestmark = pytest.mark.django_db

KEY = "sk-canary-that-nobody-may-see-7788"
FACTORY = "OpenAI-API-Compatible"
URL = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def _no_tasks_left() -> Any:
    valkey().delete("celery", "hub:recheck")
    yield
    valkey().delete("celery", "hub:recheck")


def form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "rack",
        "base_url": URL,
        "credential_api_key": KEY,
        "is_granted_to_all": "on",
        "shared_models-TOTAL_FORMS": 1,
        "shared_models-INITIAL_FORMS": 0,
        "shared_models-0-llm_name": "qwen",
        "shared_models-0-model_type": "chat",
        "shared_models-0-max_tokens": "8192",
        **changes,
    }


def changed(row: SharedConnection, **changes: Any) -> dict[str, Any]:
    model = row.shared_models.get()
    stored = {
        "shared_models-INITIAL_FORMS": 1,
        "shared_models-0-id": model.pk,
        "shared_models-0-connection": row.pk,
        "credential_api_key": "",
    }
    return form(**{**stored, **changes})


def add(console: Any, factory: str = FACTORY, **changes: Any) -> Any:
    address = page("sharedconnection", "add") + f"?llm_factory={factory}"
    return console.post(address, form(**changes))


@pytest.fixture
def rack(console: Any) -> SharedConnection:
    add(console)
    return SharedConnection.objects.get(name="rack")


def stored_key(row: SharedConnection) -> str:
    ring = keyring_of(platform_get())
    table = SharedConnection._meta.db_table
    opened = ring.open(table=table, row_id=row.pk, sealed=row.sealed_credentials)
    return opened["api_key"].reveal() if "api_key" in opened else ""


def test_adding_asks_for_the_provider_first(console):
    first = text(console.get(page("sharedconnection", "add")))
    assert FACTORY in first
    second = text(console.get(page("sharedconnection", "add") + f"?llm_factory={FACTORY}"))
    assert 'name="credential_api_key"' in second
    assert 'type="password"' in second
    unknown = console.get(page("sharedconnection", "add") + "?llm_factory=Nobody")
    assert unknown.status_code == 404


def test_a_connection_is_saved_with_models_and_grants_as_one_change(console, charlie):
    before = last_entry_id()
    add(console, is_granted_to_all="", granted_to=[str(charlie.tenant.pk)])
    row = SharedConnection.objects.get(name="rack")
    assert [(m.llm_name, m.model_type, m.max_tokens) for m in row.shared_models.all()] == [
        ("qwen", "chat", 8192)
    ]
    assert [tenant.slug for tenant in row.granted_to.all()] == ["charlie"]
    assert (row.state, row.checked_at) == (ConnectionState.UNVERIFIED, None)
    assert stored_key(row) == KEY
    assert actions_since(before) == ["shared_connection.save"]


def test_the_key_is_on_no_page_and_in_no_audit_row(console, rack):
    shown = [
        text(console.get(page("sharedconnection", "changelist"))),
        text(console.get(page("sharedconnection", "change", rack.pk))),
        text(add(console, name="", credential_api_key=KEY)),
        str(list(OperatorAuditEntry.objects.values_list("before", "after"))),
    ]
    assert all(KEY not in page_ and KEY[:-4] not in page_ for page_ in shown)
    assert "…7788" in shown[1]
    assert rack.sealed_credentials not in "".join(shown)


def test_a_blank_key_keeps_the_stored_one(console, rack):
    SharedConnection.objects.filter(pk=rack.pk).update(state=ConnectionState.VALID)
    address = page("sharedconnection", "change", rack.pk)
    console.post(address, changed(rack, **{"shared_models-0-max_tokens": "4096"}))
    rack.refresh_from_db()
    assert stored_key(rack) == KEY
    assert rack.state == ConnectionState.VALID
    assert rack.shared_models.get().max_tokens == 4096


def test_a_changed_address_discards_the_stored_key(console, rack):
    address = page("sharedconnection", "change", rack.pk)
    console.post(address, changed(rack, base_url="http://127.0.0.1:10/v1"))
    rack.refresh_from_db()
    assert rack.base_url == "http://127.0.0.1:10/v1"
    assert (stored_key(rack), rack.key_hint) == ("", "")
    assert rack.state == ConnectionState.UNVERIFIED


def test_where_a_key_is_needed_a_changed_address_asks_for_it(console):
    key = "sk-proj-canary-canary-canary-canary-1234"
    add(console, "OpenAI", base_url="", credential_api_key=key)
    row = SharedConnection.objects.get(llm_factory="OpenAI")
    response = console.post(page("sharedconnection", "change", row.pk), changed(row))
    assert "the stored key is not sent to the new one" in text(response)
    row.refresh_from_db()
    assert row.base_url == ""


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"base_url": "http://169.254.169.254/v1"}, "base_url"),
        ({"base_url": "http://10.0.0.1/v1"}, "base_url"),
        ({"base_url": ""}, "base_url"),
        ({"credential_api_key": "two\nlines\x00"}, "credential_api_key"),
        ({"name": "<script>"}, "name"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(console, changes, field):
    response = add(console, **changes)
    assert response.status_code == 200
    assert field in response.context["adminform"].form.errors
    assert not SharedConnection.objects.filter(name="rack").exists()


def test_a_name_that_is_taken_is_not_overwritten(console, rack):
    response = add(console, credential_api_key="sk-another-key-of-somebody")
    assert f"{FACTORY} has a shared connection rack." in text(response)
    rack.refresh_from_db()
    assert stored_key(rack) == KEY


def test_a_type_that_the_provider_does_not_serve_is_refused(console):
    response = add(console, **{"shared_models-0-model_type": "tts"})
    assert "serves" in text(response)
    assert not SharedConnection.objects.filter(name="rack").exists()


def test_a_model_is_taken_away(console, rack):
    address = page("sharedconnection", "change", rack.pk)
    console.post(address, changed(rack, **{"shared_models-0-DELETE": "on"}))
    assert not rack.shared_models.exists()


def test_saving_a_new_key_and_asking_enqueue_a_test(
    console, rack, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        console.post(
            page("sharedconnection", "change", rack.pk),
            changed(rack, credential_api_key="sk-the-new-key-of-the-rack"),
        )
    assert valkey().llen("celery") == 1
    assert rechecks_take() == [(platform_get().pk, rack.pk)]
    act(console, "sharedconnection", "check_now", [rack])
    assert valkey().llen("celery") == 2
    assert rechecks_take() == [(platform_get().pk, rack.pk)]


def test_connections_are_switched_off_and_on(console, rack):
    before = last_entry_id()
    act(console, "sharedconnection", "switch_off", [rack])
    rack.refresh_from_db()
    assert not rack.is_enabled
    act(console, "sharedconnection", "switch_on", [rack])
    rack.refresh_from_db()
    assert rack.is_enabled
    assert actions_since(before) == ["shared_connection.set_enabled"] * 2


def test_a_connection_is_deleted_after_a_question(console, rack):
    address = page("sharedconnection", "delete", rack.pk)
    assert console.get(address).status_code == 200
    assert SharedConnection.objects.filter(pk=rack.pk).exists()
    before = last_entry_id()
    console.post(address, {"post": "yes"})
    assert not SharedConnection.objects.filter(pk=rack.pk).exists()
    assert actions_since(before) == ["shared_connection.delete"]
