"""The operator's pages of the catalog, through a browser's requests."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from providers.catalog.loader import catalog_load
from providers.models import LLM, LLMFactory, Price
from tenants.models import OperatorAuditEntry

pytestmark = pytest.mark.django_db


def page(model: str, view: str, *args: Any) -> str:
    return reverse(f"admin:providers_{model}_{view}", args=args)


def act(console: Client, model: str, action: str, rows: list[Any]) -> Any:
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return console.post(page(model, "changelist"), data, follow=True)


def factory_form(factory: LLMFactory, **changes: Any) -> dict[str, Any]:
    return {
        "logo": factory.logo,
        "tags": factory.tags,
        "rank": factory.rank,
        "is_active": "on",
        "endpoints": '{"chat": {"protocol": "openai", "base_url": ""}}',
        "credential_fields": "[]",
        "docs_url": factory.docs_url,
        "llms-TOTAL_FORMS": 0,
        "llms-INITIAL_FORMS": 0,
        **changes,
    }


def last_change() -> OperatorAuditEntry:
    entry = OperatorAuditEntry.objects.order_by("-pk").first()
    assert entry is not None
    return entry


@pytest.mark.parametrize("model", ["llmfactory", "llm", "price"])
def test_lists_and_forms_render(console, model):
    row = {"llmfactory": LLMFactory, "llm": LLM, "price": Price}[model].objects.first()
    assert console.get(page(model, "changelist")).status_code == 200
    assert console.get(page(model, "change", row.pk)).status_code == 200
    assert console.get(page(model, "add")).status_code == 200
    assert console.get(page(model, "changelist"), {"q": "gpt"}).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {"type": "embedding"},
        {"retirement": "past"},
        {"retirement": "ahead"},
        {"retirement": "none"},
        {"is_active__exact": "0"},
    ],
)
def test_models_are_filtered(console, query):
    response = console.get(page("llm", "changelist"), query)
    found = response.context["cl"].result_count
    assert 0 < found < LLM.objects.count()


def test_pages_take_a_constant_number_of_queries(console):
    def queries(ask: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert ask().status_code == 200
        return len(captured)

    factory = LLMFactory.objects.get(name="LocalAI")
    addresses = [
        page("llmfactory", "changelist"),
        page("llm", "changelist"),
        page("price", "changelist"),
        page("llmfactory", "change", factory.pk),
    ]
    few = [queries(lambda a=a: console.get(a)) for a in addresses]  # type: ignore[misc]
    LLMFactory.objects.bulk_create(LLMFactory(name=f"F{n}") for n in range(5))
    llms = LLM.objects.bulk_create(
        LLM(factory=factory, llm_name=f"m{n}", model_types=["chat"]) for n in range(10)
    )
    Price.objects.bulk_create(Price(llm=llm, source="hand", input_usd_per_mtok=1) for llm in llms)
    assert [queries(lambda a=a: console.get(a)) for a in addresses] == few  # type: ignore[misc]


def test_a_model_shows_who_says_its_facts(console):
    llm = LLM.objects.get(factory__name="OpenAI", llm_name="gpt-4o")
    assert llm.sources["*"] in console.get(page("llm", "change", llm.pk)).content.decode()


def test_a_change_leaves_an_audit_row_and_stays_in_the_next_load(console, alice):
    factory = LLMFactory.objects.get(name="VLLM")
    endpoints = '{"chat": {"protocol": "openai", "base_url": ""}}'
    form = factory_form(factory, rank=12, endpoints=endpoints)
    response = console.post(page("llmfactory", "change", factory.pk), form, follow=True)
    assert response.status_code == 200
    factory.refresh_from_db()
    assert factory.rank == 12
    entry = last_change()
    assert (entry.action, entry.actor_label) == ("catalog.factory.update", alice.email)
    assert (entry.target_label, entry.source_ip) == ("VLLM", "127.0.0.1")
    assert entry.after is not None
    assert entry.after["rank"] == 12
    catalog_load(is_forced=True)
    factory.refresh_from_db()
    assert factory.rank == 12


def test_what_was_changed_by_hand_is_shown_and_taken_back(console):
    factory = LLMFactory.objects.get(name="OpenAI")
    act(console, "llmfactory", "switch_off", [factory])
    shown = console.get(page("llmfactory", "change", factory.pk)).content.decode()
    assert "<b>is_active</b>: shipped True" in shown
    listed = console.get(page("llmfactory", "changelist")).content.decode()
    assert "changed: is_active" in listed
    act(console, "llmfactory", "return_to_shipped", [factory])
    factory.refresh_from_db()
    assert factory.is_active
    assert last_change().action == "catalog.factory.revert"


def test_the_rank_is_edited_in_the_list(console):
    response = console.get(page("llmfactory", "changelist"))
    rows = list(response.context["cl"].result_list)
    data: dict[str, Any] = {
        "form-TOTAL_FORMS": len(rows),
        "form-INITIAL_FORMS": len(rows),
        "_save": "Save",
    }
    for n, row in enumerate(rows):
        data |= {f"form-{n}-id": row.pk, f"form-{n}-rank": row.rank}
    ollama = [row.name for row in rows].index("Ollama")
    data[f"form-{ollama}-rank"] = 1
    console.post(page("llmfactory", "changelist"), data)
    assert LLMFactory.objects.get(name="Ollama").rank == 1
    assert last_change().after == {"rank": 1}


def test_an_operator_adds_a_provider_its_model_and_a_price(console):
    new = LLMFactory(name="Bolts", logo="BO", tags=["LLM"], rank=7)
    console.post(page("llmfactory", "add"), factory_form(new, name="Bolts"))
    factory = LLMFactory.objects.get(name="Bolts")
    inline = {"prices-TOTAL_FORMS": 0, "prices-INITIAL_FORMS": 0}
    model = {"factory": factory.pk, "llm_name": "bolt-1", "model_types": ["chat"], **inline}
    console.post(page("llm", "add"), {**model, "is_active": "on"})
    llm = LLM.objects.get(llm_name="bolt-1")
    price = {"llm": llm.pk, "input_usd_per_mtok": "2.5"}
    moment = {"valid_from_0": "2026-01-01", "valid_from_1": "00:00:00"}
    response = console.post(page("price", "add"), price | moment, follow=True)
    assert response.status_code == 200
    assert Price.objects.get(llm=llm).input_usd_per_mtok == Decimal("2.5")
    actions = OperatorAuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == [
        "catalog.factory.create",
        "catalog.model.create",
        "catalog.price.set",
    ]


def test_a_model_of_a_type_that_its_factory_does_not_serve_is_refused(console):
    factory = LLMFactory.objects.get(name="Anthropic")
    form = {"factory": factory.pk, "llm_name": "x", "model_types": ["tts"], "is_active": "on"}
    inline = {"prices-TOTAL_FORMS": 0, "prices-INITIAL_FORMS": 0}
    response = console.post(page("llm", "add"), form | inline)
    assert "Anthropic has no endpoint for tts." in response.content.decode()


def test_an_endpoint_that_models_use_is_not_taken_away(console):
    factory = LLMFactory.objects.get(name="OpenAI")
    response = console.post(page("llmfactory", "change", factory.pk), factory_form(factory))
    assert "embedding is missing; models of this factory use it." in response.content.decode()


def test_models_are_switched_off_together_or_not_at_all(console):
    llms = list(LLM.objects.filter(factory__name="OpenAI", is_active=True)[:2])
    act(console, "llm", "switch_off", llms)
    assert not LLM.objects.filter(pk__in=[llm.pk for llm in llms], is_active=True).exists()
    assert OperatorAuditEntry.objects.filter(action="catalog.model.update").count() == 2


def test_a_price_set_by_hand_is_ended_and_a_loaded_one_is_not(console):
    llm = LLM.objects.get(factory__name="OpenAI", llm_name="gpt-4o")
    begun = timezone.now() - timedelta(days=1)
    mine = Price.objects.create(llm=llm, source="hand", input_usd_per_mtok=1, valid_from=begun)
    act(console, "price", "end_now", [mine])
    mine.refresh_from_db()
    assert mine.valid_until is not None
    loaded = llm.prices.get(source="genai-prices")
    response = act(console, "price", "end_now", [loaded])
    assert "Only a price that is set by hand" in response.content.decode()
    loaded.refresh_from_db()
    assert loaded.valid_until is None


def test_nothing_is_deleted_and_no_price_is_edited(console):
    price = Price.objects.first()
    assert price is not None
    assert console.post(page("price", "change", price.pk), {}).status_code == 403
    assert console.post(page("price", "delete", price.pk)).status_code == 403
    factory = LLMFactory.objects.first()
    assert factory is not None
    assert console.post(page("llmfactory", "delete", factory.pk)).status_code == 403


def test_without_an_operator_there_is_no_page(client):
    response = client.get(page("llmfactory", "changelist"))
    assert response.status_code == 302
    assert "/admin/login/" in response["Location"]
