"""/llm/tokens as resources."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.api import Api


def issue(person, **body):
    return person.api.post("tokens", {"name": "app"} | body).require_success().details


def items(person, **query):
    return person.api.get("tokens", **query).require_success().data["items"]


def test_a_token_is_shown_once_and_works(alice):
    made = issue(alice, scopes=["read"])
    assert made["token"].startswith("hub_")
    Api(made["token"]).get("list").require_success()
    answer = alice.api.get("tokens").require_success()
    assert made["token"].encode() not in answer.raw
    shown = alice.api.get(f"tokens/{made['id']}").require_success()
    assert "token" not in shown.data
    assert shown.data["last4"] == made["token"][-4:]


def test_a_revoked_token_is_refused_on_its_very_next_request(alice):
    made = issue(alice)
    Api(made["token"]).get("list").require_success()
    alice.api.delete(f"tokens/{made['id']}").require_success()
    Api(made["token"]).get("list").require_failure(401)
    alice.api.delete(f"tokens/{made['id']}").require_success()


def test_an_expired_token_is_refused(alice):
    from tenants.models import AccessToken

    made = issue(alice, expires_at=(timezone.now() + timedelta(hours=1)).isoformat())
    Api(made["token"]).get("list").require_success()
    AccessToken.objects.filter(pk=made["id"]).update(expires_at=timezone.now())
    Api(made["token"]).get("list").require_failure(401)


def test_a_token_is_changed_but_for_its_secret(alice):
    made = issue(alice)
    change = {"name": "renamed", "scopes": ["inference"], "allowed_models": ["gpt-4"]}
    changed = alice.api.patch(f"tokens/{made['id']}", change).require_success().details
    assert (changed["name"], changed["scopes"]) == ("renamed", ["inference"])
    assert changed["allowed_models"] == ["gpt-4"]
    assert "token" not in changed
    Api(made["token"]).get("list").require_failure(403)


def test_a_change_of_one_thing_keeps_the_others(alice):
    made = issue(alice, scopes=["read"], allowed_models=["gpt-4"])
    changed = alice.api.patch(f"tokens/{made['id']}", {"name": "renamed"}).details
    assert (changed["scopes"], changed["allowed_models"]) == (["read"], ["gpt-4"])


def test_its_last_use_is_noted(alice):
    made = issue(alice)
    assert alice.api.get(f"tokens/{made['id']}").data["last_used_at"] is None
    Api(made["token"]).get("list").require_success()
    assert alice.api.get(f"tokens/{made['id']}").data["last_used_at"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "a" * 121},
        {"name": "a\0b"},
        {"name": "a\r\nX-Evil: 1"},
        {"name": {"a": 1}},
        {"scopes": []},
        {"scopes": ["root"]},
        {"scopes": "read"},
        {"scopes": ["read", 7]},
        {"allowed_models": [""]},
        {"allowed_models": ["a\0b"]},
        {"allowed_models": ["a\nb"]},
        {"allowed_models": "gpt-4"},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "soon"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_what_makes_no_sense_is_refused(alice, body):
    before = items(alice)
    alice.api.post("tokens", {"name": "app"} | body).require_failure(400)
    made = issue(alice)
    alice.api.patch(f"tokens/{made['id']}", body).require_failure(400)
    assert len(items(alice)) == len(before) + 1


def test_nobody_gives_away_a_scope_that_they_do_not_have(alice):
    manager = Api(issue(alice, scopes=["manage"])["token"])
    answer = manager.post("tokens", {"name": "more", "scopes": ["inference"]}).require_failure(403)
    assert answer.error["details"] == {"scope": "inference"}
    made = manager.post("tokens", {"name": "same", "scopes": ["manage"]}).require_success().details
    manager.patch(f"tokens/{made['id']}", {"scopes": ["inference"]}).require_failure(403)


def test_filters_and_pages(alice):
    for number in range(3):
        issue(alice, name=f"robot {number}")
    gone = issue(alice, name="robot gone")
    alice.api.delete(f"tokens/{gone['id']}").require_success()
    assert {row["name"] for row in items(alice, search="ROBOT", is_revoked="true")} == {
        "robot gone"
    }
    assert len(items(alice, search="robot", is_revoked="false")) == 3
    page = alice.api.get("tokens", search="robot", page=2, page_size=3).data
    assert (page["total"], len(page["items"])) == (4, 1)
