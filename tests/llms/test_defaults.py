"""GET and PUT /llm/defaults."""

import pytest

from llmhub.base.model_types import ModelType
from tests.llms.shared import shared_model_grant
from tests.management import COMPATIBLE, model_add

NONE = {model_type.value: "" for model_type in ModelType}
OFF = {"llm_factory": COMPATIBLE, "llm_name": "test-chat", "status": "0"}


def test_at_first_there_is_none(alice):
    assert alice.api.get("defaults").require_success().data == NONE


@pytest.mark.parametrize(
    "name",
    [
        "test-chat",
        f"test-chat@{COMPATIBLE}",
        f"{COMPATIBLE}/test-chat",
        f"test-chat@default@{COMPATIBLE}",
    ],
)
def test_a_model_is_chosen_by_any_of_its_names(chat, name):
    answer = chat.api.put("defaults", {"chat": name}).require_success()
    assert answer.data is True
    assert chat.api.get("defaults").data == NONE | {"chat": f"test-chat@{COMPATIBLE}"}


def test_an_empty_value_clears(chat):
    chat.api.put("defaults", {"chat": "test-chat"}).require_success()
    chat.api.put("defaults", {"chat": ""}).require_success()
    assert chat.api.get("defaults").data == NONE


def test_what_is_left_out_is_kept(chat, provider):
    model_add(chat.api, provider, llm_name="test-embedding", model_type="embedding")
    chat.api.put("defaults", {"chat": "test-chat"}).require_success()
    chat.api.put("defaults", {"embedding": "test-embedding"}).require_success()
    assert chat.api.get("defaults").data["chat"] == f"test-chat@{COMPATIBLE}"


def test_the_same_body_twice_ends_in_the_same_state(chat):
    for _ in range(2):
        chat.api.put("defaults", {"chat": "test-chat"}).require_success()
        assert chat.api.get("defaults").data["chat"] == f"test-chat@{COMPATIBLE}"


def test_a_shared_model_can_be_a_default(alice, provider):
    shared_model_grant(provider)
    alice.api.put("defaults", {"chat": "house-chat"}).require_success()
    assert alice.api.get("defaults").data["chat"] == "house-chat@house@VLLM"


def test_a_model_that_is_missing_is_refused(chat):
    answer = chat.api.put("defaults", {"chat": "nothing"}).require_failure(404)
    assert "you have no model 'nothing'" in answer.message


def test_a_model_that_is_switched_off_is_refused(chat):
    chat.api.post("enable_llm", OFF).require_success()
    answer = chat.api.put("defaults", {"chat": "test-chat"}).require_failure(422)
    assert answer.code == "model_disabled"


def test_a_model_of_another_type_is_refused(chat):
    answer = chat.api.put("defaults", {"embedding": "test-chat"}).require_failure(422)
    assert answer.message == "embedding: 'test-chat' is a model of type chat."


def test_all_or_nothing(chat):
    body = {"chat": "test-chat", "embedding": "nothing"}
    chat.api.put("defaults", body).require_failure(404)
    assert chat.api.get("defaults").data == NONE


@pytest.mark.parametrize("body", [{"talk": "test-chat"}, {"chat": ["test-chat"]}, {"chat": None}])
def test_what_is_no_type_or_no_name_is_refused(chat, body):
    chat.api.put("defaults", body).require_failure(400)
    assert chat.api.get("defaults").data == NONE


def test_a_default_that_is_switched_off_later_still_shows(chat):
    chat.api.put("defaults", {"chat": "test-chat"}).require_success()
    chat.api.post("enable_llm", OFF).require_success()
    assert chat.api.get("defaults").data["chat"] == f"test-chat@{COMPATIBLE}"
