"""/llm/limits and /llm/budgets."""

from typing import Any

import pytest

from tenants.models import Plan, Tenant
from tests.management import COMPATIBLE, model_add

BUDGET: dict[str, Any] = {"name": "monthly", "amount": "12.5", "unit": "usd", "period": "month"}


def _items(api, path):
    return api.get(path).require_success().data["items"]


@pytest.fixture
def plan(alice) -> Plan:
    made = Plan.objects.create(
        name="Small", requests_per_minute=60, budget_usd=20, budget_usd_period="month"
    )
    Tenant.objects.filter(pk=alice.tenant.pk).update(plan=made)
    return made


def test_a_limit_is_stored_with_what_is_used_of_it(chat):
    body = {"model": "test-chat", "requests_per_minute": 60}
    made = chat.api.post("limits", body).require_success().details["limit"]
    assert made | {"id": ""} == {
        "id": "",
        "access_token_id": None,
        "model": f"test-chat@{COMPATIBLE}",
        "requests_per_minute": 60,
        "tokens_per_minute": None,
        "concurrency": None,
        "is_plans": False,
        "used": {"requests": 0, "tokens": None, "running": None},
    }
    assert _items(chat.api, "limits") == [made]
    assert chat.api.get(f"limits/{made['id']}").require_success().data == made


def test_a_limit_is_changed_in_part_and_removed_once(alice):
    made = alice.api.post("limits", {"requests_per_minute": 5}).require_success()
    path = f"limits/{made.details['limit']['id']}"
    changed = alice.api.patch(path, {"concurrency": 2}).require_success().details["limit"]
    assert (changed["requests_per_minute"], changed["concurrency"]) == (5, 2)
    both = {"requests_per_minute": None, "concurrency": None}
    alice.api.patch(path, both).require_failure(400)
    alice.api.delete(path).require_success()
    alice.api.delete(path).require_failure(404)
    assert _items(alice.api, "limits") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"requests_per_minute": 0}, 400),
        ({"requests_per_minute": -1}, 400),
        ({"requests_per_minute": "many"}, 400),
        ({"requests_per_minute": 10**12}, 400),
        ({"requests_per_minute": 1, "model": "nobody"}, 404),
        (
            {"requests_per_minute": 1, "access_token_id": "00000000-0000-0000-0000-000000000001"},
            404,
        ),
        ({"requests_per_minute": 1, "access_token_id": "me"}, 400),
    ],
    ids=str,
)
def test_what_makes_no_limit_is_refused(chat, body, status):
    chat.api.post("limits", body).require_failure(status)
    assert _items(chat.api, "limits") == []


def test_a_limit_of_a_token_stands_with_the_token(alice):
    token = alice.api.get("tokens").data["items"][0]
    assert (token["limits"], token["budgets"]) == ([], [])
    mine = {"access_token_id": token["id"]}
    alice.api.post("limits", mine | {"concurrency": 1}).require_success()
    alice.api.post("budgets", mine | BUDGET).require_success()
    alice.api.post("limits", {"concurrency": 9}).require_success()
    token = alice.api.get(f"tokens/{token['id']}").require_success().data
    assert [limit["concurrency"] for limit in token["limits"]] == [1]
    assert [budget["name"] for budget in token["budgets"]] == ["monthly"]


def test_a_budget_is_stored_with_what_is_left(chat):
    made = chat.api.post("budgets", BUDGET | {"model": "test-chat"}).require_success()
    budget = made.details["budget"]
    assert (
        budget.items()
        >= {
            "amount": "12.5",
            "unit": "usd",
            "period": "month",
            "is_hard": True,
            "alert_shares": [50, 80, 100],
            "spent": "0",
            "reserved": "0",
            "left": "12.5",
            "model": f"test-chat@{COMPATIBLE}",
            "is_plans": False,
        }.items()
    )
    assert budget["starts_at"] < budget["resets_at"]
    assert _items(chat.api, "budgets") == [budget]


def test_a_budget_for_good_never_resets(alice):
    made = alice.api.post("budgets", BUDGET | {"period": "total"}).require_success()
    assert made.details["budget"]["resets_at"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "NaN"},
        {"amount": "1e30"},
        {"amount": "9000001"},
        {"amount": "0.0000000001"},
        {"unit": "tokens", "amount": "1.5"},
        {"unit": "eur"},
        {"period": "year"},
        {"name": ""},
        {"name": "a\nb"},
        {"alert_shares": [0]},
        {"alert_shares": [101]},
        {"alert_shares": list(range(1, 20))},
    ],
    ids=str,
)
def test_what_makes_no_budget_is_refused(alice, change):
    alice.api.post("budgets", BUDGET | change).require_failure(400)
    assert _items(alice.api, "budgets") == []


def test_a_budget_keeps_what_it_counts_and_changes_the_rest(alice):
    made = alice.api.post("budgets", BUDGET).require_success().details["budget"]
    wanted = {"amount": "0.000000001", "is_hard": False, "alert_shares": [], "unit": "tokens"}
    changed = alice.api.patch(f"budgets/{made['id']}", wanted).require_success().details["budget"]
    assert changed["amount"] == "0.000000001"
    assert (changed["unit"], changed["is_hard"], changed["alert_shares"]) == ("usd", False, [])
    alice.api.delete(f"budgets/{made['id']}").require_success()
    alice.api.get(f"budgets/{made['id']}").require_failure(404)


def test_the_plans_come_first_and_are_not_the_tenants_to_change(alice, plan):
    alice.api.post("limits", {"requests_per_minute": 10}).require_success()
    limits = _items(alice.api, "limits")
    assert [(row["requests_per_minute"], row["is_plans"]) for row in limits] == [
        (60, True),
        (10, False),
    ]
    alice.api.patch(f"limits/{limits[0]['id']}", {"concurrency": 9}).require_failure(404)
    alice.api.delete(f"limits/{limits[0]['id']}").require_failure(404)
    [budget] = _items(alice.api, "budgets")
    assert (budget["amount"], budget["is_plans"]) == ("20", True)
    alice.api.delete(f"budgets/{budget['id']}").require_failure(404)


def test_nothing_is_raised_above_the_plan(alice, plan):
    refused = alice.api.post("limits", {"requests_per_minute": 61}).require_failure(400)
    assert refused.code == "above_plan"
    assert "the operator" in refused.message
    alice.api.post("budgets", BUDGET | {"amount": "20.01"}).require_failure(400)
    made = alice.api.post("budgets", BUDGET | {"amount": "20"}).require_success()
    path = f"budgets/{made.details['budget']['id']}"
    assert alice.api.patch(path, {"amount": "21"}).require_failure(400).code == "above_plan"


def test_there_is_room_for_so_many(alice, monkeypatch):
    from tenants.limits.services import scopes

    monkeypatch.setattr(scopes, "MAX_ROWS", 1)
    alice.api.post("limits", {"concurrency": 1}).require_success()
    alice.api.post("limits", {"concurrency": 1}).require_failure(409)


def test_a_deleted_model_does_not_break_the_list(chat, provider):
    model_add(chat.api, provider, llm_name="passing")
    chat.api.post("limits", {"model": "passing", "concurrency": 1}).require_success()
    gone = {"llm_factory": COMPATIBLE, "llm_name": "passing", "force": True}
    chat.api.post("delete_llm", gone).require_success()
    assert [row["model"] for row in _items(chat.api, "limits")] == [f"passing@{COMPATIBLE}"]


def test_a_budget_of_a_billion_tokens_is_a_budget(alice):
    body = {"name": "year", "unit": "tokens", "period": "total", "amount": "1000000000"}
    made = alice.api.post("budgets", body).require_success()
    assert made.details["budget"]["amount"] == "1000000000"
    body |= {"unit": "usd", "amount": "9000001"}
    refused = alice.api.post("budgets", body).require_failure(400)
    assert refused.error["details"] == {"field": "amount"}
