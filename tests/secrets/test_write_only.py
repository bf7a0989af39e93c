"""Promise 26: after a key was stored, no read gives more of it than its last four characters."""

import base64
import json
import logging

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from llmhub.base.valkey import valkey
from llmhub.celery import app
from tenants.llms.models import Connection
from tenants.llms.snapshot_build import snapshot_build
from tenants.llms.tasks import connections_check
from tenants.models import User
from tenants.tenancy import in_schema
from tests.isolation.routes import tenant_routes
from tests.isolation.state import state_of
from tests.secrets.canary import CANARY, SECOND, leaks


def reads(person) -> dict[str, bytes]:
    """What every GET of the API answers."""
    with in_schema(person.tenant):
        ids = {"connection_id": str(Connection.objects.get().pk)}
    ids["token_id"] = person.api.get("tokens").data["items"][0]["id"]
    answers = {}
    for route in tenant_routes():
        path = route.path
        for name, value in ids.items():
            path = path.replace(f"<{name}>", value)
        if not route.is_write and "<" not in path:
            answers[path] = person.api.get(path, include_details="true").require_success().raw
    return answers


def test_no_get_of_the_api_shows_more_than_four_characters(stored):
    alice, _ = stored
    answers = reads(alice)
    assert {path: leaks(raw) for path, raw in answers.items() if leaks(raw)} == {}
    assert f"…{CANARY[-4:]}".encode() in answers["connections"]


def test_no_page_of_the_console_shows_more(stored):
    User.objects.create_superuser("operator@example.com", "a-long-password-of-theirs")
    client = Client()
    client.force_login(User.objects.get(email="operator@example.com"))
    for address in console_pages():
        response = client.get(address, follow=True)
        assert response.status_code in (200, 403), address
        assert leaks(response.content) == [], address


def console_pages() -> list[str]:
    pages = [reverse("admin:index")]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages.append(reverse(f"{name}_changelist"))
        rows = model._default_manager.all()[:3]
        pages += [reverse(f"{name}_change", args=[row.pk]) for row in rows]
    return pages


def test_the_audit_shows_no_more(stored):
    alice, _ = stored
    rows = json.dumps(state_of(alice.tenant), ensure_ascii=False)
    assert "connection.save" in rows
    assert leaks(rows.encode()) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM tenants_operatoraudit AS t")
        operator = "".join(row for (row,) in cursor.fetchall())
    assert "shared_connection.save" in operator
    assert leaks(operator.encode()) == []


def test_the_answer_to_the_write_shows_no_more(alice, strict):
    body = {"llm_factory": "VLLM", "api_key": CANARY, "api_base": strict.url}
    answer = alice.api.post("set_api_key", body).require_success()
    assert leaks(answer.raw) == []


@pytest.mark.parametrize("path", ["set_api_key", "add_llm", "connections"])
def test_a_refused_key_is_not_repeated_though_the_provider_repeats_it(
    alice, provider, caplog, path
):
    body = {"llm_factory": "OpenAI-API-Compatible", "api_key": CANARY, "api_base": provider.url}
    body |= {"llm_name": "test-chat", "model_type": "chat"}
    with caplog.at_level(logging.DEBUG):
        answer = alice.api.post(path, body).require_failure(422)
    assert leaks(answer.raw) == []
    assert leaks(caplog.text.encode()) == []
    assert "***" in answer.message


@pytest.mark.parametrize(
    "key",
    [
        f"{CANARY}\r\nX-Evil: 1",
        f"{CANARY}\0",
        {"api_key": CANARY, "colour": CANARY},
        {CANARY: "x"},
        [CANARY],
        f"{CANARY}\N{SNOWMAN}",
        CANARY * 500,
    ],
)
def test_a_key_of_the_wrong_form_is_not_repeated(alice, strict, caplog, key):
    body = {"llm_factory": "VLLM", "api_key": key, "api_base": strict.url}
    with caplog.at_level(logging.DEBUG):
        answer = alice.api.post("set_api_key", body)
    assert 400 <= answer.status < 500
    assert leaks(answer.raw) == []
    assert leaks(caplog.text.encode()) == []


def test_storing_and_using_a_key_logs_none_of_it(alice, strict, caplog):
    with caplog.at_level(logging.DEBUG):
        body = {"llm_factory": "VLLM", "api_key": CANARY, "api_base": strict.url}
        alice.api.post("set_api_key", body).require_success()
        connections_check(str(alice.tenant.pk))
        snapshot = snapshot_build(alice.tenant.pk)
        reads(alice)
    assert strict.seen, "the key was used"
    assert leaks(caplog.text.encode()) == []
    assert leaks(repr(snapshot).encode()) == []


def test_valkey_and_the_payloads_of_tasks_hold_none(
    stored, celery_messages, django_capture_on_commit_callbacks
):
    alice, _ = stored
    app.tasks[connections_check.name].delay(str(alice.tenant.pk))
    with django_capture_on_commit_callbacks(execute=True):
        alice.api.post("tokens", {"name": "app"}).require_success()
    messages = [base64.b64decode(json.loads(m)["body"]) for m in celery_messages()]
    assert str(alice.tenant.pk).encode() in messages[0]
    held = b"".join([*celery_messages(), *messages, *map(valkey().dump, valkey().scan_iter())])
    assert leaks(held, CANARY, SECOND, alice.token) == []


@pytest.fixture
def celery_messages():
    """The messages that wait in the broker, as they stand there."""
    valkey().delete("celery")
    yield lambda: valkey().lrange("celery", 0, -1)
    valkey().delete("celery")
