from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from llmhub.base.errors import NotFound
from llmhub.base.model_types import ModelType
from providers.models import LLM, LLMFactory, Price
from providers.selectors import (
    Endpoint,
    catalog_llm,
    catalog_models,
    factory_get,
    factory_list,
    price_at,
)

pytestmark = pytest.mark.django_db

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def llm() -> LLM:
    factory = LLMFactory.objects.create(name="Acme")
    return LLM.objects.create(factory=factory, llm_name="anvil", model_types=["chat"])


def price(llm: LLM, usd: int, source: str = "shipped", **interval: datetime) -> None:
    Price.objects.create(llm=llm, source=source, input_usd_per_mtok=usd, **interval)


def usd_at(moment: datetime) -> Decimal | None:
    found = price_at(factory="Acme", llm_name="anvil", moment=moment)
    return found.figures.input_usd_per_mtok if found else None


def test_factories_come_by_rank_and_then_by_name():
    for name, rank, is_active in (("B", 5, True), ("A", 5, True), ("C", 9, True), ("D", 99, False)):
        LLMFactory.objects.create(name=name, rank=rank, is_active=is_active)
    assert [factory.name for factory in factory_list()] == ["C", "A", "B"]
    assert [factory.name for factory in factory_list(active_only=False)] == ["D", "C", "A", "B"]


def test_a_factory_tells_its_endpoints_and_types(catalog):
    factory = factory_get(name="Ollama")
    assert factory.model_types == (ModelType.CHAT, ModelType.EMBEDDING, ModelType.IMAGE2TEXT)
    assert factory.endpoints[ModelType.CHAT] == Endpoint("openai", "")
    assert factory.is_local
    assert factory.base_url_required


def test_an_unknown_factory_is_named():
    with pytest.raises(NotFound, match=r"Unknown factory 'X'\. GET /llm/factories lists them\."):
        factory_get(name="X")


def test_a_factory_that_is_switched_off_is_found_unless_active_ones_are_asked_for():
    LLMFactory.objects.create(name="Acme", is_active=False)
    assert not factory_get(name="Acme").is_active
    with pytest.raises(NotFound):
        factory_get(name="Acme", active_only=True)


def test_models_come_by_name_without_those_that_are_switched_off(llm):
    LLM.objects.create(factory=llm.factory, llm_name="bolt", model_types=["chat"], is_active=False)
    LLM.objects.create(factory=llm.factory, llm_name="Aaa", model_types=["chat", "image2text"])
    assert {model.llm_name for model in catalog_models(factory="Acme")} == {"Aaa", "anvil"}
    assert len(catalog_models(factory="Acme", active_only=False)) == 3


def test_a_factory_without_models_has_none_and_an_unknown_one_is_not_found():
    LLMFactory.objects.create(name="Empty")
    assert catalog_models(factory="Empty") == []
    with pytest.raises(NotFound):
        catalog_models(factory="X")


def test_the_models_of_a_factory_take_one_query(catalog):
    with CaptureQueriesContext(connection) as queries:
        assert len(catalog_models(factory="OpenAI")) > 30
    assert len(queries) == 1


def test_one_model_is_found_by_its_factory_and_name(llm):
    found = catalog_llm(factory="Acme", llm_name="anvil")
    assert found is not None
    assert (found.factory, found.model_types) == ("Acme", (ModelType.CHAT,))
    assert catalog_llm(factory="Acme", llm_name="other") is None
    assert catalog_llm(factory="Other", llm_name="anvil") is None


def test_a_price_holds_from_its_beginning_until_before_its_end(llm):
    price(llm, 1, valid_from=JANUARY, valid_until=MARCH)
    assert usd_at(JANUARY - MOMENT) is None
    assert usd_at(JANUARY) == 1
    assert usd_at(MARCH - MOMENT) == 1
    assert usd_at(MARCH) is None


def test_the_price_that_began_last_holds(llm):
    price(llm, 1)
    price(llm, 2, valid_from=MARCH)
    assert (usd_at(JANUARY), usd_at(MARCH)) == (1, 2)


def test_a_price_set_by_hand_comes_first_and_only_while_it_holds(llm):
    price(llm, 1)
    price(llm, 5, "hand", valid_from=JANUARY, valid_until=MARCH)
    price(llm, 2, "genai-prices", valid_from=JANUARY + MOMENT)
    assert usd_at(JANUARY + MOMENT) == 5
    assert usd_at(MARCH) == 2


def test_a_model_without_a_price_has_none(llm):
    assert usd_at(MARCH) is None


def test_the_builtin_model_is_free_and_not_merely_unpriced(catalog):
    found = price_at(factory="Builtin", llm_name="smollm2-135m-instruct", moment=MARCH)
    assert found is not None
    assert (found.figures.input_usd_per_mtok, found.figures.output_usd_per_mtok) == (0, 0)
