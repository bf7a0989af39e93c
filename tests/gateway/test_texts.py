"""Prompts and answers: never kept unless the tenant says so, and then sealed all the way."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from llmhub.base.valkey import valkey
from tenants.models import Tenant
from tenants.tenancy import in_schema
from tenants.usage.events import MAX_SEALED_TEXT, STREAM
from tenants.usage.models import UsageEvent
from tenants.usage.retention import usage_drop_old
from tenants.usage.texts import MAX_BYTES, text_seal_of, texts_open
from tests.api import Api
from tests.committed_people import Person
from tests.gateway.raw_http import chat
from tests.gateway.server import RunningGateway

CANARY = "a-prompt-that-nobody-else-may-read"


@pytest.fixture
def api(alice: Person) -> Iterator[Api]:
    yield Api(alice.token)
    rows = Tenant.objects.filter(pk=alice.tenant.pk)
    rows.update(is_prompt_logging=False, prompt_retention_days=30, events_kept_since=None)


def ask(gateway: RunningGateway, alice: Person, **more: Any) -> str:
    messages = [{"role": "user", "content": CANARY}]
    return chat(gateway, alice.token, messages=messages, **more).headers["x-request-id"]


def texts(api: Api, request_id: str) -> Any:
    return api.get(f"requests/{request_id}").require_success().data["texts"]


def test_without_being_told_to_nothing_is_kept(
    gateway: RunningGateway, alice: Person, api: Api
) -> None:
    request_id = ask(gateway, alice)
    [event] = alice.ledger()
    assert event.sealed_text is None
    assert texts(api, request_id) is None


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_kept_is_read_by_its_tenant_alone(
    gateway: RunningGateway, alice: Person, charlie: Person, api: Api, stream: bool
) -> None:
    api.patch("settings", {"is_prompt_logging": True}).require_success()
    request_id = ask(gateway, alice, stream=stream)
    [(_, entry)] = valkey().xrange(STREAM)
    assert CANARY.encode() not in repr(entry).encode()
    [event] = alice.ledger()
    assert CANARY not in str(event.sealed_text)
    found = texts(api, request_id)
    assert CANARY in found["request"]
    assert (found["answer"], found["is_cut"]) == ("Hello from the provider.", False)
    Api(charlie.token).get(f"requests/{request_id}").require_failure(404)
    _, reader = alice.issue(scopes=("read",))
    assert texts(Api(reader), request_id) is None


def test_switched_off_the_next_call_is_not_kept(
    gateway: RunningGateway, alice: Person, api: Api
) -> None:
    api.patch("settings", {"is_prompt_logging": True}).require_success()
    first = ask(gateway, alice)
    api.patch("settings", {"is_prompt_logging": False}).require_success()
    second = ask(gateway, alice)
    alice.ledger()
    assert texts(api, first)["request"]
    assert texts(api, second) is None


def test_a_text_that_is_moved_to_another_row_does_not_open(
    gateway: RunningGateway, alice: Person, api: Api
) -> None:
    api.patch("settings", {"is_prompt_logging": True}).require_success()
    ask(gateway, alice)
    [event] = alice.ledger()
    assert texts_open(alice.tenant, event.pk, event.sealed_text) is not None
    assert texts_open(alice.tenant, uuid.uuid4(), event.sealed_text) is None


def test_kept_texts_go_after_their_time_and_the_event_stays(
    gateway: RunningGateway, alice: Person, api: Api
) -> None:
    api.patch("settings", {"is_prompt_logging": True, "prompt_retention_days": 1})
    request_id = ask(gateway, alice)
    [event] = alice.ledger()
    tenant = Tenant.objects.get(pk=alice.tenant.pk)
    assert usage_drop_old(tenant=tenant).texts == 0
    with in_schema(alice.tenant):
        days_ago = timezone.now() - timedelta(days=3)
        UsageEvent.objects.filter(pk=event.pk).update(at=days_ago)
    assert usage_drop_old(tenant=tenant).texts == 1
    assert texts(api, request_id) is None


@pytest.mark.parametrize("letter", ["a", '"', "\\", "\x01", "é", "\U0001f600", "\ud800"])
def test_the_longest_texts_still_fit_into_an_event(alice: Person, letter: str) -> None:
    alice.tenant.is_prompt_logging = True
    seal = text_seal_of(alice.tenant)
    alice.tenant.is_prompt_logging = False
    assert seal is not None
    event_id, long = uuid.uuid4(), letter * (2 * MAX_BYTES)
    prompt = long.encode("utf-8", "replace").decode()
    sealed = seal.seal(event_id, {"prompt": prompt}, long)
    assert len(sealed) <= MAX_SEALED_TEXT
    found = texts_open(alice.tenant, event_id, sealed)
    assert found is not None
    assert found.is_cut
    assert len(found.request.encode()) <= MAX_BYTES
