"""enable_llm, delete_llm, delete_factory: switching off and taking away."""

import pytest

from tenants.llms.models import Route, RouteTarget, TenantLLM
from tenants.tenancy import in_schema
from tests.llms.shared import shared_model_grant
from tests.management import COMPATIBLE, connections, model_add, models

MODEL = {"llm_factory": COMPATIBLE, "llm_name": "test-chat"}
FACTORY = {"llm_factory": COMPATIBLE}


def default_set(person):
    person.api.put("defaults", {"chat": "test-chat"}).require_success()


def route_make(person, name="fast"):
    with in_schema(person.tenant):
        route = Route.objects.create(name=name, model_type="chat")
        RouteTarget.objects.create(route=route, tenant_llm=TenantLLM.objects.get())


def test_a_model_is_switched_off_and_on(chat):
    for status, is_available in (("0", False), ("1", True)):
        answer = chat.api.post("enable_llm", MODEL | {"status": status}).require_success()
        assert (answer.data, answer.details["models"]) == (True, 1)
        (model,) = models(chat.api)
        assert (model["status"], model["available"]) == (status, is_available)


def test_switching_off_twice_changes_nothing_more(chat):
    for _ in range(2):
        chat.api.post("enable_llm", MODEL | {"status": "0"}).require_success()
        assert models(chat.api)[0]["status"] == "0"


@pytest.mark.parametrize("status", ["2", "on", "", None, [], {"a": 1}, "01"])
def test_an_unknown_status_is_refused(chat, status):
    answer = chat.api.post("enable_llm", MODEL | {"status": status}).require_failure(400)
    assert "status" in answer.message
    assert models(chat.api)[0]["status"] == "1"


def test_a_shared_model_is_switched_off_for_this_tenant_alone(alice, charlie, provider):
    shared_model_grant(provider)
    body = {"llm_factory": "VLLM", "llm_name": "house-chat", "status": "0"}
    alice.api.post("enable_llm", body).require_success()
    assert models(alice.api)[0]["status"] == "0"
    assert models(charlie.api)[0]["status"] == "1"


def test_a_model_is_deleted(chat):
    answer = chat.api.post("delete_llm", MODEL).require_success()
    assert (answer.data, answer.details) == (True, {"models_removed": 1})
    assert models(chat.api) == []
    assert len(connections(chat.api)) == 1


def test_a_model_is_deleted_as_one_type_only(chat, provider):
    model_add(chat.api, provider, model_type="image2text")
    chat.api.post("delete_llm", MODEL | {"model_type": "chat"}).require_success()
    assert [m["model_type"] for m in models(chat.api)] == ["image2text"]


def test_a_factory_is_deleted_with_its_connections_and_models(chat, provider):
    model_add(chat.api, provider, connection="second")
    answer = chat.api.post("delete_factory", FACTORY).require_success()
    assert answer.details == {"connections_removed": 2}
    assert connections(chat.api) == models(chat.api) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("delete_llm", MODEL | {"llm_name": "nothing"}),
        ("delete_llm", MODEL | {"model_type": "embedding"}),
        ("delete_llm", MODEL | {"connection": "elsewhere"}),
        ("delete_llm", MODEL | {"llm_factory": "Nobody"}),
        ("delete_factory", {"llm_factory": "OpenAI"}),
        ("delete_factory", {"llm_factory": "Nobody"}),
        ("enable_llm", MODEL | {"llm_name": "nothing", "status": "0"}),
        ("enable_llm", MODEL | {"llm_factory": "Nobody", "status": "0"}),
    ],
)
def test_what_is_not_there_is_not_found(chat, path, body):
    chat.api.post(path, body).require_failure(404)
    assert len(models(chat.api)) == 1


@pytest.mark.parametrize(("path", "body"), [("delete_llm", MODEL), ("delete_factory", FACTORY)])
def test_what_is_still_referred_to_is_named_and_kept(chat, path, body):
    default_set(chat)
    route_make(chat)
    answer = chat.api.post(path, body).require_failure(409)
    assert answer.code == "still_referenced"
    assert answer.error["details"] == {"defaults": ["chat"], "routes": ["fast"]}
    assert "the default chat model, the route fast" in answer.message
    assert len(models(chat.api)) == 1


@pytest.mark.parametrize(("path", "body"), [("delete_llm", MODEL), ("delete_factory", FACTORY)])
def test_force_takes_the_references_away_too(chat, path, body):
    default_set(chat)
    route_make(chat)
    chat.api.post(path, body | {"force": True}).require_success()
    assert models(chat.api) == []
    assert chat.api.get("defaults").data["chat"] == ""
    with in_schema(chat.tenant):
        assert not RouteTarget.objects.exists()
        assert Route.objects.exists()


def test_a_shared_model_cannot_be_deleted(alice, provider):
    shared_model_grant(provider)
    body = {"llm_factory": "VLLM", "llm_name": "house-chat"}
    answer = alice.api.post("delete_llm", body).require_failure(409)
    assert "POST /llm/enable_llm" in answer.message


def test_a_factory_that_the_operator_switched_off_can_still_be_deleted(chat):
    from providers.models import LLMFactory

    LLMFactory.objects.filter(name=COMPATIBLE).update(is_active=False)
    chat.api.post("delete_factory", FACTORY).require_success()
    assert connections(chat.api) == []
