"""What a tenant reads: factories, list, my_llms."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from providers.models import LLMFactory
from tenants.llms.models import Connection, TenantLLM
from tenants.tenancy import in_schema
from tests.llms.shared import shared_model_grant
from tests.management import COMPATIBLE, key_set, model_add, models

FACTORY_FIELDS = {"name", "logo", "tags", "status", "rank", "model_types", "credential_fields"}


def test_factories_stand_highest_rank_first(alice):
    data = alice.api.get("factories").require_success().data
    ranks = [int(factory["rank"]) for factory in data]
    assert ranks == sorted(ranks, reverse=True)
    assert data[0]["name"] == "OpenAI"
    assert data[0]["rank"] == "999"
    assert data[0]["status"] == "1"
    assert data[0]["tags"].startswith("LLM,TEXT EMBEDDING")


def test_a_form_can_be_built_from_a_factory(alice):
    factories = {f["name"]: f for f in alice.api.get("factories").data}
    assert all(set(f) >= FACTORY_FIELDS for f in factories.values())
    fields = {f["name"]: f for f in factories["Azure-OpenAI"]["credential_fields"]}
    assert fields["api_key"]["is_secret"] is True
    assert fields["api_version"]["is_secret"] is False
    assert fields["api_version"]["placeholder"] == "2024-10-21"


def test_the_other_addresses_of_a_provider_are_shown_by_region_and_type(alice, whole_catalog):
    factories = {f["name"]: f for f in alice.api.get("factories").data}
    assert factories["Moonshot"]["regions"] == [
        {
            "name": "International",
            "base_urls": {
                "chat": "https://api.moonshot.ai/v1",
                "image2text": "https://api.moonshot.ai/v1",
            },
        }
    ]
    assert factories["OpenAI"]["regions"] == []


def test_the_number_of_queries_does_not_grow_with_the_factories(alice):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            alice.api.get("factories").require_success()
        return len(captured)

    queries()
    few = queries()
    LLMFactory.objects.bulk_create(LLMFactory(name=f"F{n}") for n in range(30))
    assert queries() == few


def test_a_factory_that_the_operator_switched_off_is_not_offered(alice):
    LLMFactory.objects.filter(name="OpenAI").update(is_active=False)
    names = [f["name"] for f in alice.api.get("factories").data]
    assert "OpenAI" not in names


def test_list_is_iterated_by_factory(chat, provider):
    """As the users of this API do it."""
    data = chat.api.get("list", model_type="chat").require_success().data
    for factory, listed in data.items():
        assert factory == COMPATIBLE
        for model in listed:
            assert model["llm_name"] == "test-chat"
            assert model["model_type"] == "chat"
            assert model["fid"] == factory
            assert model["available"] is True
            assert model["status"] == "1"
    assert list(data) == [COMPATIBLE]


def test_list_keeps_to_the_type_that_was_asked_for(chat, provider):
    model_add(chat.api, provider, llm_name="test-embedding", model_type="embedding")
    names = {m["llm_name"] for m in models(chat.api, model_type="embedding")}
    assert names == {"test-embedding"}
    assert len(models(chat.api)) == 2
    assert len(models(chat.api, model_type="")) == 2
    assert models(chat.api, model_type="tts") == []


def test_list_has_the_granted_shared_models(alice, provider):
    shared_model_grant(provider)
    (model,) = models(alice.api)
    assert (model["llm_name"], model["fid"], model["is_shared"]) == ("house-chat", "VLLM", True)


def test_a_model_is_not_available_while_its_key_is_known_to_be_wrong(chat):
    with in_schema(chat.tenant):
        Connection.objects.update(state="invalid_key")
    (model,) = models(chat.api)
    assert (model["available"], model["status"]) == (False, "1")
    assert model["reason"] == "connection_invalid_key"


def test_a_model_is_not_available_while_its_connection_is_off(chat):
    with in_schema(chat.tenant):
        Connection.objects.update(is_enabled=False)
    (model,) = models(chat.api)
    assert (model["available"], model["reason"]) == (False, "connection_disabled")


@pytest.mark.parametrize("model_type", ["talk", "CHAT", "chat,tts", "0"])
def test_an_unknown_type_is_refused(alice, model_type):
    answer = alice.api.get("list", model_type=model_type).require_failure(400)
    assert "Use one of chat, embedding" in answer.message


def test_my_llms_says_what_was_used(chat):
    with in_schema(chat.tenant):
        TenantLLM.objects.update(used_tokens=1234)
    data = chat.api.get("my_llms").require_success().data
    assert list(data) == [COMPATIBLE]
    assert data[COMPATIBLE]["tags"] == "LLM,TEXT EMBEDDING,TEXT RE-RANK,IMAGE2TEXT"
    assert data[COMPATIBLE]["llm"] == [{"type": "chat", "name": "test-chat", "used_token": 1234}]


def test_my_llms_with_details(chat, provider):
    (model,) = chat.api.get("my_llms", include_details="true").data[COMPATIBLE]["llm"]
    assert model["api_base"] == provider.url
    assert (model["status"], model["connection"], model["state"]) == ("1", "default", "valid")
    assert model["checked_at"]
    assert "max_tokens" in model


def test_my_llms_does_not_tell_where_the_operators_servers_are(alice, provider):
    shared_model_grant(provider)
    answer = alice.api.get("my_llms", include_details="true").require_success()
    assert str(provider.port).encode() not in answer.raw
    assert answer.data["VLLM"]["llm"][0]["api_base"] == ""


def test_my_llms_refuses_a_flag_that_is_none(alice):
    alice.api.get("my_llms", include_details="perhaps").require_failure(400)


def test_a_retired_model_of_the_catalog_is_shown_and_not_available(alice, provider):
    from providers.models import LLM

    key_set(alice.api, provider).require_success()
    LLM.objects.filter(llm_name="gpt-4").update(is_active=False)
    (gpt_4,) = [m for m in models(alice.api) if m["llm_name"] == "gpt-4"]
    assert (gpt_4["available"], gpt_4["reason"]) == (False, "catalog_model_disabled")
