"""POST /llm/add_llm: one model, tested as its type."""

import pytest

from tests.management import (
    COMPATIBLE,
    KEY,
    WRONG_KEY,
    connections,
    model_add,
    model_body,
    models,
)
from tests.provider_server import Reply, running_provider

CHAT = "/v1/chat/completions"


def test_it_tests_that_very_model_and_stores_it(alice, provider):
    answer = model_add(alice.api, provider, max_tokens=4096)
    assert answer.data is True
    assert [seen.json["model"] for seen in provider.requests_to(CHAT)] == ["test-chat"]
    (model,) = models(alice.api)
    assert (model["llm_name"], model["fid"], model["max_tokens"]) == (
        "test-chat",
        COMPATIBLE,
        4096,
    )
    assert model["available"] is True


@pytest.mark.parametrize(
    ("llm_factory", "llm_name", "model_type", "path"),
    [
        (COMPATIBLE, "test-embedding", "embedding", "/v1/embeddings"),
        (COMPATIBLE, "test-chat", "image2text", CHAT),
        (COMPATIBLE, "test-rerank", "rerank", "/v1/rerank"),
        ("OpenAI", "tts-1", "tts", "/v1/audio/speech"),
        ("OpenAI", "whisper-1", "speech2text", "/v1/audio/transcriptions"),
    ],
)
def test_a_model_is_called_as_its_type(alice, provider, llm_factory, llm_name, model_type, path):
    facts = {"llm_factory": llm_factory, "llm_name": llm_name, "model_type": model_type}
    model_add(alice.api, provider, **facts)
    assert [seen.path for seen in provider.seen] == [path]


def test_a_second_time_changes_the_model(alice, provider):
    model_add(alice.api, provider, max_tokens=4096)
    model_add(alice.api, provider, max_tokens=2048)
    (model,) = models(alice.api)
    assert model["max_tokens"] == 2048


def test_the_same_body_twice_ends_in_the_same_state(alice, provider):
    model_add(alice.api, provider)
    before = models(alice.api)
    model_add(alice.api, provider)
    assert models(alice.api) == before
    assert len(connections(alice.api)) == 1


def test_a_refused_key_stores_nothing(alice, provider):
    answer = alice.api.post("add_llm", model_body(provider, api_key=WRONG_KEY))
    assert answer.require_failure(422).code == "invalid_key"
    assert "Fail to access model(test-chat)" in answer.message
    assert connections(alice.api) == []


def test_a_model_that_the_provider_does_not_have_is_refused(alice, provider):
    error = {"message": "The model does not exist", "code": "model_not_found"}
    provider.script(CHAT, Reply(404, {"error": error}))
    answer = alice.api.post("add_llm", model_body(provider)).require_failure(422)
    assert answer.code == "no_such_model"
    assert models(alice.api) == []


@pytest.mark.parametrize(
    "reply",
    [Reply(body=b"<html>Welcome to nginx</html>"), Reply(body={}), Reply(body=b"")],
    ids=["a web page", "an empty object", "nothing"],
)
def test_a_reply_of_another_kind_is_no_success(alice, provider, reply):
    provider.script(CHAT, reply)
    alice.api.post("add_llm", model_body(provider)).require_failure(422)
    assert models(alice.api) == []


def test_a_blank_key_keeps_the_stored_one(chat, provider):
    model_add(chat.api, provider, llm_name="other", api_key="", api_base="")
    assert provider.seen[-1].headers["authorization"] == f"Bearer {KEY}"
    assert provider.seen[-1].json["model"] == "other"
    assert connections(chat.api)[0]["key"] == "…" + KEY[-4:]


def test_a_blank_key_is_not_sent_to_a_changed_address(chat, provider):
    with running_provider(api_key=KEY) as thief:
        answer = chat.api.post("add_llm", model_body(thief, api_key=""))
        assert all("authorization" not in seen.headers for seen in thief.seen)
        assert answer.status in (400, 422)
        assert connections(chat.api)[0]["api_base"] == provider.url


def test_a_changed_address_with_a_key_that_must_be_sent_again_says_so(alice, provider):
    facts = {"llm_factory": "OpenAI", "llm_name": "gpt-4"}
    model_add(alice.api, provider, **facts)
    with running_provider(api_key=KEY) as other:
        body = model_body(other, api_key="", **facts)
        answer = alice.api.post("add_llm", body).require_failure(400)
        assert answer.error["details"]["field"] == "api_key"
        assert "Send api_key again" in answer.message
        assert other.seen == []


def test_a_new_address_does_not_take_other_models_along(chat, provider):
    with running_provider(api_key=KEY) as other:
        body = model_body(other, llm_name="another")
        answer = chat.api.post("add_llm", body).require_failure(409)
        assert answer.code == "address_in_use"
        assert "test-chat" in answer.message
        model_add(chat.api, other, llm_name="another", connection="elsewhere")
    assert {c["name"] for c in connections(chat.api)} == {"default", "elsewhere"}


def test_max_tokens_above_the_limit_of_the_catalog_is_refused(alice, provider):
    body = model_body(provider, llm_factory="OpenAI", llm_name="gpt-4", max_tokens=8193)
    answer = alice.api.post("add_llm", body).require_failure(400)
    assert "at most 8192" in answer.message
    assert answer.error["details"]["field"] == "max_tokens"
    assert provider.seen == []


def test_without_max_tokens_the_limit_of_the_catalog_holds(alice, provider):
    model_add(alice.api, provider, llm_factory="OpenAI", llm_name="gpt-4")
    assert models(alice.api)[0]["max_tokens"] == 8192


@pytest.mark.parametrize("max_tokens", [0, -1, "many", 1.5, 10**9, [1], True])
def test_max_tokens_that_are_no_such_number_are_refused(alice, provider, max_tokens):
    answer = alice.api.post("add_llm", model_body(provider, max_tokens=max_tokens))
    assert answer.require_failure(400).error["details"]["field"] == "max_tokens"


@pytest.mark.parametrize(
    ("llm_factory", "model_type", "message"),
    [
        (COMPATIBLE, "tts", "TTS model from OpenAI-API-Compatible is not supported yet."),
        ("Anthropic", "tts", "TTS model from Anthropic is not supported yet."),
        ("Google Cloud", "rerank", "Rerank model from Google Cloud is not supported yet."),
    ],
)
def test_a_type_that_no_protocol_serves_says_so(alice, provider, llm_factory, model_type, message):
    body = model_body(provider, llm_factory=llm_factory, model_type=model_type)
    answer = alice.api.post("add_llm", body).require_failure(422)
    assert answer.message == message
    assert provider.seen == []


def test_a_local_provider_needs_no_key(alice, provider):
    provider.api_key = None
    model_add(alice.api, provider, llm_factory="VLLM", api_key="")
    assert "authorization" not in provider.seen[0].headers


def test_a_factory_without_an_address_of_its_own_wants_one(alice, provider):
    answer = alice.api.post("add_llm", model_body(provider, api_base="")).require_failure(400)
    assert answer.message == "Missing required parameter: api_base"
