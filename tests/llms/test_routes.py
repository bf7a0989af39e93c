"""/llm/routes: model names of the tenant's own."""

from typing import Any

import pytest

from tests.llms.shared import shared_model_grant
from tests.management import COMPATIBLE, model_add

FAST: dict[str, Any] = {
    "name": "fast",
    "model_type": "chat",
    "targets": [{"model": "test-chat", "weight": 3}],
}


@pytest.fixture
def route(chat):
    answer = chat.api.post("routes", FAST).require_success()
    return answer.body["details"]["route"]


def _routes(api):
    return api.get("routes").require_success().data["items"]


def test_it_is_stored_with_its_targets_by_their_full_names(chat, route):
    target = {"model": f"test-chat@default@{COMPATIBLE}", "weight": 3, "priority": 0}
    assert _routes(chat.api) == [route]
    assert chat.api.get(f"routes/{route['id']}").require_success().data == route
    assert route | {"id": ""} == FAST | {"id": "", "is_enabled": True, "targets": [target]}


def test_targets_stand_in_the_order_in_which_they_are_tried(chat, provider):
    model_add(chat.api, provider, llm_name="other")
    targets = [{"model": "test-chat", "priority": 1}, {"model": "other", "priority": 0}]
    chat.api.post("routes", FAST | {"targets": targets}).require_success()
    names = [target["model"].partition("@")[0] for target in _routes(chat.api)[0]["targets"]]
    assert names == ["other", "test-chat"]


def test_a_shared_model_may_be_a_target(chat, provider):
    shared_model_grant(provider, "granted-chat")
    chat.api.post("routes", FAST | {"targets": [{"model": "granted-chat"}]}).require_success()
    assert _routes(chat.api)[0]["targets"][0]["model"].startswith("granted-chat@")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": ""}, 400),
        ({"name": "a b"}, 400),
        ({"name": "a@b"}, 400),
        ({"model_type": "cat"}, 400),
        ({"targets": []}, 400),
        ({"targets": "test-chat"}, 400),
        ({"targets": [{"weight": 1}]}, 400),
        ({"targets": [{"model": "test-chat", "weight": 0}]}, 400),
        ({"targets": [{"model": "test-chat"}, {"model": f"test-chat@{COMPATIBLE}"}]}, 400),
        ({"targets": [{"model": "nobody"}]}, 404),
        ({"name": "test-chat"}, 409),
        ({"model_type": "embedding"}, 422),
    ],
    ids=str,
)
def test_what_makes_no_route_is_refused_and_nothing_is_stored(chat, change, status):
    chat.api.post("routes", FAST | change).require_failure(status)
    assert _routes(chat.api) == []


def test_a_name_is_there_once(chat, route):
    chat.api.post("routes", FAST).require_failure(409)
    assert _routes(chat.api) == [route]


def test_a_change_keeps_what_is_left_out(chat, route):
    chat.api.patch(f"routes/{route['id']}", {"is_enabled": False}).require_success()
    assert _routes(chat.api) == [route | {"is_enabled": False}]


def test_a_model_behind_a_route_is_not_removed_unless_forced(chat, route):
    model = {"llm_factory": COMPATIBLE, "llm_name": "test-chat"}
    answer = chat.api.post("delete_llm", model).require_failure(409)
    assert "the route fast" in answer.message
    assert answer.error["details"]["routes"] == ["fast"]
    chat.api.post("delete_llm", model | {"force": True}).require_success()
    assert _routes(chat.api)[0]["targets"] == []


def test_it_is_deleted_once(chat, route):
    chat.api.delete(f"routes/{route['id']}").require_success()
    chat.api.delete(f"routes/{route['id']}").require_failure(404)
    assert _routes(chat.api) == []
