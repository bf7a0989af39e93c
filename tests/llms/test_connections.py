"""/llm/connections as resources."""

import uuid

import pytest

from tests.management import (
    COMPATIBLE,
    KEY,
    WRONG_KEY,
    connections,
    key_set,
    model_add,
    models,
)
from tests.provider_server import running_provider


@pytest.fixture
def row(chat) -> dict:
    return connections(chat.api)[0]


def body_of(provider, **changes):
    return {
        "llm_factory": "VLLM",
        "name": "mine",
        "api_key": KEY,
        "api_base": provider.url,
    } | changes


def test_a_connection_is_created_tested_and_shown(alice, provider):
    answer = alice.api.post("connections", body_of(provider)).require_success()
    created = answer.details["connection"]
    assert (created["name"], created["state"], answer.data) == ("mine", "valid", True)
    assert alice.api.get(f"connections/{created['id']}").require_success().data == created


@pytest.mark.parametrize("llm_factory", ["OpenAI", "VLLM"])
def test_it_may_be_saved_without_asking_the_provider(alice, provider, llm_factory):
    body = body_of(provider, llm_factory=llm_factory, test=False)
    answer = alice.api.post("connections", body).require_success()
    assert answer.details["connection"]["state"] == "unverified"
    assert provider.seen == []


def test_a_wrong_key_creates_nothing(alice, provider):
    alice.api.post("connections", body_of(provider, api_key=WRONG_KEY)).require_failure(422)
    assert connections(alice.api) == []


def test_a_name_is_taken_once(alice, provider):
    alice.api.post("connections", body_of(provider)).require_success()
    answer = alice.api.post("connections", body_of(provider)).require_failure(409)
    assert "Choose another name" in answer.message


def test_it_is_renamed_and_switched_off(chat, row):
    change = {"name": "renamed", "is_enabled": False}
    answer = chat.api.patch(f"connections/{row['id']}", change).require_success()
    assert answer.details["connection"]["name"] == "renamed"
    assert models(chat.api)[0]["reason"] == "connection_disabled"


def test_a_rename_to_a_taken_name_is_refused(chat, provider, row):
    model_add(chat.api, provider, connection="second")
    answer = chat.api.patch(f"connections/{row['id']}", {"name": "second"})
    answer.require_failure(409)


@pytest.mark.parametrize(
    "name", ["", "a/b", "-x", "a@b", "a" * 64, "a\nb", "a\0b", "\N{RIGHT-TO-LEFT OVERRIDE}a"]
)
def test_a_name_that_would_mislead_is_refused(chat, row, name):
    chat.api.patch(f"connections/{row['id']}", {"name": name}).require_failure(400)
    assert connections(chat.api)[0]["name"] == "default"


def test_a_new_key_is_tested_before_it_is_stored(chat, row):
    answer = chat.api.patch(f"connections/{row['id']}", {"api_key": WRONG_KEY})
    answer.require_failure(422)
    assert connections(chat.api)[0] == row


def test_a_changed_address_discards_the_stored_key(chat, row):
    with running_provider(api_key=None) as other:
        change = {"api_base": other.url}
        answer = chat.api.patch(f"connections/{row['id']}", change).require_success()
        assert all("authorization" not in seen.headers for seen in other.seen)
    assert answer.details["connection"]["key"] == ""


def test_a_changed_address_wants_the_key_again_where_the_factory_needs_one(alice, provider):
    key_set(alice.api, provider).require_success()
    (row,) = connections(alice.api)
    with running_provider(api_key=None) as other:
        answer = alice.api.patch(f"connections/{row['id']}", {"api_base": other.url})
        assert answer.require_failure(400).error["details"]["field"] == "api_key"
        assert other.seen == []
    assert connections(alice.api) == [row]


def test_nothing_asked_nothing_changed(chat, row):
    chat.api.patch(f"connections/{row['id']}", {}).require_success()
    assert connections(chat.api) == [row]


def test_it_is_tested_again_on_demand(chat, provider, row):
    provider.api_key = "sk-revoked-meanwhile"
    answer = chat.api.post(f"connections/{row['id']}/check").require_success()
    assert answer.details["connection"]["state"] == "invalid_key"
    assert answer.details["probes"][0]["cause"] == "invalid_key"
    assert KEY.encode() not in answer.raw


def test_it_is_deleted_with_its_models(chat, row):
    chat.api.delete(f"connections/{row['id']}").require_success()
    assert connections(chat.api) == models(chat.api) == []
    chat.api.delete(f"connections/{row['id']}").require_failure(404)


def test_one_that_is_in_use_is_kept_unless_forced(chat, row):
    chat.api.put("defaults", {"chat": "test-chat"}).require_success()
    chat.api.delete(f"connections/{row['id']}").require_failure(409)
    assert connections(chat.api) == [row]
    chat.api.delete(f"connections/{row['id']}", force="true").require_success()
    assert connections(chat.api) == []


def test_filters(chat, provider):
    key_set(chat.api, provider).require_success()
    assert [c["llm_factory"] for c in items(chat, llm_factory="OpenAI")] == ["OpenAI"]
    assert len(items(chat, state="valid")) == 2
    assert items(chat, state="unreachable") == []
    chat.api.get("connections", state="broken").require_failure(400)


def items(person, **query):
    return person.api.get("connections", **query).require_success().data["items"]


def test_pages(chat, provider):
    model_add(chat.api, provider, connection="second")
    model_add(chat.api, provider, connection="third")
    page = chat.api.get("connections", page=2, page_size=2).require_success().data
    assert (page["total"], page["page"], page["page_size"]) == (3, 2, 2)
    assert [row["name"] for row in page["items"]] == ["third"]
    chat.api.get("connections", page=9).require_failure(404)
    assert chat.api.get("connections", page_size=10_000).data["page_size"] == 200


def test_what_is_not_there_is_not_found(alice):
    path = f"connections/{uuid.uuid4()}"
    for verb, address in (
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/check"),
    ):
        alice.api.send(verb, address, {}).require_failure(404)
    alice.api.get("connections/not-an-id").require_failure(404)
    assert COMPATIBLE not in alice.api.get("list").data
