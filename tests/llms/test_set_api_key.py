"""POST /llm/set_api_key, against a provider that says yes, no, or something else."""

import json

import pytest

from providers.models import LLMFactory
from tests.management import KEY, WRONG_KEY, connections, key_set, models
from tests.provider_server import Reply

QUOTA = {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}}
NO_MODEL = {"error": {"message": "The model does not exist", "code": "model_not_found"}}


def test_it_stores_the_connection_and_the_models_of_the_factory(alice, provider):
    answer = key_set(alice.api, provider).require_success()
    assert answer.data is True
    assert answer.details["probes"][0]["ok"] is True
    (connection,) = connections(alice.api)
    assert (connection["name"], connection["state"]) == ("default", "valid")
    assert connection["key"] == "…" + KEY[-4:]
    names = {(m["llm_name"], m["model_type"]) for m in models(alice.api)}
    assert {("gpt-4", "chat"), ("whisper-1", "speech2text"), ("tts-1", "tts")} <= names
    assert ("gpt-4-32k", "chat") not in names, "the catalog's model is not active"


def test_a_refused_key_is_explained_and_nothing_is_stored(alice, provider):
    answer = key_set(alice.api, provider, api_key=WRONG_KEY).require_failure(422)
    assert answer.message.startswith("Fail to access model(gpt-3.5-turbo) using this api key.")
    assert "Incorrect API key provided: ***" in answer.message
    assert answer.code == "invalid_key"
    assert WRONG_KEY.encode() not in answer.raw
    assert connections(alice.api) == []
    assert models(alice.api) == []


def test_an_authentication_failure_stops_at_once(alice, provider):
    key_set(alice.api, provider, api_key=WRONG_KEY).require_failure(422)
    assert len(provider.seen) == 1


def test_a_model_that_is_missing_says_nothing_of_the_key_and_the_next_type_is_asked(
    alice, provider
):
    provider.script("/v1/chat/completions", Reply(404, NO_MODEL))
    answer = key_set(alice.api, provider).require_success()
    missing, works = answer.details["probes"]
    assert (missing["model_type"], missing["ok"], missing["cause"]) == (
        "chat",
        False,
        "no_such_model",
    )
    assert works["ok"] is True


def test_an_empty_account_is_told_from_a_wrong_key(alice, provider):
    provider.script("/v1/chat/completions", Reply(429, QUOTA))
    answer = key_set(alice.api, provider).require_failure(422)
    assert answer.code == "out_of_quota"
    assert answer.error["details"]["provider_message"] == "You exceeded your current quota."
    assert connections(alice.api) == []


def test_a_provider_that_does_not_answer_is_told_from_a_wrong_key(alice, provider):
    answer = key_set(alice.api, provider, api_base="http://127.0.0.1:9/v1").require_failure(422)
    assert answer.code == "unreachable"
    assert connections(alice.api) == []


def test_a_failure_keeps_what_was_there(alice, provider):
    key_set(alice.api, provider).require_success()
    before = (connections(alice.api), models(alice.api))
    key_set(alice.api, provider, api_key=WRONG_KEY).require_failure(422)
    assert (connections(alice.api), models(alice.api)) == before


def test_verify_only_asks_the_provider_and_stores_nothing(alice, provider):
    answer = key_set(alice.api, provider, verify_only=True).require_success()
    assert answer.data is True
    assert answer.details["connection"] is None
    assert len(provider.seen) == 1
    assert connections(alice.api) == []


def test_verify_only_with_a_wrong_key_fails(alice, provider):
    key_set(alice.api, provider, verify_only=True, api_key=WRONG_KEY).require_failure(422)


@pytest.mark.parametrize(
    "api_key",
    [{"api_key": KEY}, json.dumps({"api_key": KEY}), f"  {KEY}\n"],
    ids=["object", "JSON string", "with blanks around"],
)
def test_the_key_may_come_in_several_shapes(alice, provider, api_key):
    key_set(alice.api, provider, api_key=api_key).require_success()
    assert provider.seen[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("api_key", "field"),
    [
        ("not-a-key-of-openai", "api_key.api_key"),
        ({"api_key": KEY, "colour": "red"}, "api_key.colour"),
        ({"api_key": 7}, "api_key.api_key"),
        ([KEY], "api_key"),
        (7, "api_key"),
        (True, "api_key"),
    ],
)
def test_a_key_of_the_wrong_form_is_refused_before_the_provider_is_asked(
    alice, provider, api_key, field
):
    answer = key_set(alice.api, provider, api_key=api_key).require_failure(400)
    assert answer.error["details"]["field"] == field
    assert provider.seen == []


@pytest.mark.parametrize("api_key", ["", "   ", None, {}])
def test_a_key_that_the_factory_needs_must_be_there(alice, provider, api_key):
    answer = key_set(alice.api, provider, api_key=api_key).require_failure(400)
    assert answer.message == "Missing required parameter: api_key"


def test_a_local_provider_needs_no_key(alice, provider):
    provider.api_key = None
    key_set(alice.api, provider, llm_factory="Ollama", api_key="").require_success()
    assert "authorization" not in provider.seen[0].headers


def test_a_factory_without_catalog_models_takes_what_the_provider_lists(alice, provider):
    key_set(alice.api, provider, llm_factory="VLLM").require_success()
    assert {"test-chat", "test-embedding"} <= {m["llm_name"] for m in models(alice.api)}


def test_what_a_provider_lists_twice_or_under_no_name_is_stored_once_or_not_at_all(alice, provider):
    names = ["test-chat", "test-chat", "x" * 201, "line\nbreak", " ", ""]
    listing = {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
    provider.script("/v1/models", Reply(body=listing))
    key_set(alice.api, provider, llm_factory="VLLM").require_success()
    assert [m["llm_name"] for m in models(alice.api)] == ["test-chat"]


@pytest.mark.parametrize(
    "listing", [Reply(404, {"detail": "Not Found"}), Reply(body={"object": "list", "data": []})]
)
def test_where_nothing_is_listed_the_answer_points_to_add_llm(alice, provider, listing):
    provider.script("/v1/models", listing)
    answer = key_set(alice.api, provider, llm_factory="VLLM").require_failure(422)
    assert "POST /llm/add_llm" in answer.message
    assert connections(alice.api) == []


def test_a_factory_that_no_protocol_serves_yet_says_so(alice):
    endpoints = {"chat": {"protocol": "carrier-pigeon", "base_url": "https://pigeons.example"}}
    LLMFactory.objects.create(name="Pigeonry", endpoints=endpoints)
    body = {"llm_factory": "Pigeonry", "api_key": ""}
    answer = alice.api.post("set_api_key", body).require_failure(422)
    assert answer.message == "Chat model from Pigeonry is not supported yet."


def test_connections_of_one_factory_stand_beside_each_other(alice, provider):
    key_set(alice.api, provider).require_success()
    key_set(alice.api, provider, connection="second").require_success()
    assert [c["name"] for c in connections(alice.api)] == ["default", "second"]


def test_the_same_body_twice_ends_in_the_same_state(alice, provider):
    key_set(alice.api, provider).require_success()
    before = (_lasting(connections(alice.api)), models(alice.api))
    key_set(alice.api, provider).require_success()
    assert (_lasting(connections(alice.api)), models(alice.api)) == before


def _lasting(found: list[dict]) -> list[dict]:
    return [{k: v for k, v in row.items() if k != "checked_at"} for row in found]


def test_a_second_key_keeps_what_was_switched_off_and_used(alice, provider):
    key_set(alice.api, provider).require_success()
    switch = {"llm_factory": "OpenAI", "llm_name": "gpt-4", "status": "0"}
    alice.api.post("enable_llm", switch).require_success()
    key_set(alice.api, provider).require_success()
    (gpt_4,) = [m for m in models(alice.api) if m["llm_name"] == "gpt-4"]
    assert gpt_4["status"] == "0"


@pytest.mark.parametrize(
    "api_base",
    ["http://169.254.169.254/v1", "http://10.0.0.1/v1", "ftp://127.0.0.1/v1", "http://2130706433"],
)
def test_an_address_that_the_hub_does_not_connect_to_is_refused(alice, provider, api_base):
    answer = key_set(alice.api, provider, api_base=api_base).require_failure(400)
    assert answer.code == "address_forbidden"
    assert answer.error["details"]["field"] == "api_base"


def test_what_was_mended_in_a_pasted_address_is_told(alice, provider):
    pasted = provider.url + "/chat/completions"
    answer = key_set(alice.api, provider, api_base=pasted).require_success()
    assert answer.details["connection"]["api_base"] == provider.url
    assert "Took off /chat/completions" in answer.details["notes"][0]
