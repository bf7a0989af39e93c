from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from llmhub.base.errors import Conflict, NotFound
from providers.catalog.loader import catalog_load
from providers.models import LLM, LLMFactory, Price
from providers.services import (
    factory_create,
    factory_revert,
    factory_update,
    llm_create,
    llm_revert,
    llm_update,
    price_end,
    price_set,
)
from tests.providers.catalog.files import acme, acme_model, write
from tests.providers.changes import Remembered

pytestmark = pytest.mark.django_db

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def loaded(tmp_path) -> None:
    catalog_load(write(tmp_path, acme_model(deprecated_on="2027-01-31")))


def hand_price(usd: str, **rest: Any) -> tuple[Price, Remembered]:
    change = Remembered()
    figures = {"input_usd_per_mtok": Decimal(usd)}
    price = price_set(factory="Acme", llm_name="anvil-1", figures=figures, change=change, **rest)
    return price, change


def test_a_change_says_what_was_and_what_is():
    change = Remembered()
    factory_update(name="Acme", values={"rank": 5, "logo": "AC"}, change=change)
    assert change.target == ("llmfactory", "Acme")
    assert (change.before, change.after) == ({"rank": 10}, {"rank": 5})


def test_what_is_already_so_is_no_change():
    change = Remembered()
    factory_update(name="Acme", values={"rank": 10}, change=change)
    assert change.is_noop


def test_a_refused_value_changes_nothing():
    with pytest.raises(ValidationError):
        factory_update(name="Acme", values={"endpoints": {"talk": {}}}, change=Remembered())
    assert "chat" in LLMFactory.objects.get().endpoints


def test_an_unknown_row_is_not_found():
    with pytest.raises(NotFound, match="There is no factory 'X'"):
        factory_update(name="X", values={}, change=Remembered())
    with pytest.raises(NotFound, match="There is no model 'x' of 'Acme'"):
        llm_update(factory="Acme", llm_name="x", values={}, change=Remembered())


def test_an_operator_adds_a_provider_without_code():
    endpoints = {"chat": {"protocol": "openai", "base_url": "https://bolts.example/v1"}}
    change = Remembered()
    factory_create(name="Bolts", values={"endpoints": endpoints, "rank": 3}, change=change)
    types = {"model_types": ["chat"]}
    llm_create(factory="Bolts", llm_name="bolt", values=types, change=Remembered())
    llm = LLM.objects.get(llm_name="bolt")
    assert (llm.factory.name, llm.shipped, llm.factory.shipped) == ("Bolts", {}, {})
    assert change.after == {"endpoints": endpoints, "rank": 3}


def test_a_second_factory_of_the_same_name_is_refused():
    with pytest.raises(ValidationError):
        factory_create(name="Acme", values={}, change=Remembered())


def test_reverting_gives_the_shipped_values_back():
    factory_update(name="Acme", values={"rank": 5, "is_active": False}, change=Remembered())
    change = Remembered()
    factory_revert(name="Acme", change=change)
    factory = LLMFactory.objects.get()
    assert (factory.rank, factory.is_active) == (10, True)
    assert change.before == {"rank": 5, "is_active": False}


def test_reverting_a_model_gives_its_date_back():
    values = {"deprecated_on": None, "context_tokens": 1}
    key = {"factory": "Acme", "llm_name": "anvil-1"}
    llm_update(**key, values=values, change=Remembered())
    change = Remembered()
    llm_revert(**key, change=change)
    llm = LLM.objects.get(llm_name="anvil-1")
    assert (llm.deprecated_on, llm.context_tokens) == (date(2027, 1, 31), 8000)
    assert change.after == {"deprecated_on": "2027-01-31", "context_tokens": 8000}


def test_reverting_what_is_as_shipped_is_no_change():
    change = Remembered()
    factory_revert(name="Acme", change=change)
    assert change.is_noop


def test_a_price_begins_now_unless_told_otherwise():
    price, change = hand_price("2.5", note="contract 7")
    assert timezone.now() - price.valid_from < timedelta(minutes=1)
    assert price.source == "hand"
    assert change.target == ("price", "Acme: anvil-1")
    assert change.after is not None
    assert (change.after["input_usd_per_mtok"], change.after["note"]) == ("2.5", "contract 7")


def test_a_second_price_from_the_same_moment_takes_the_place_of_the_first():
    first, _ = hand_price("2", valid_from=JANUARY)
    second, change = hand_price("3", valid_from=JANUARY)
    assert second.pk == first.pk
    assert change.before is not None
    assert change.before["input_usd_per_mtok"] == "2.000000"
    assert Price.objects.get(source="hand").input_usd_per_mtok == 3


def test_a_price_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValidationError):
        hand_price("2", valid_from=JANUARY, valid_until=JANUARY)


def test_a_price_without_any_figure_is_refused():
    with pytest.raises(ValidationError, match="at least one figure"):
        price_set(factory="Acme", llm_name="anvil-1", figures={}, change=Remembered())


def test_ending_a_price_keeps_its_past():
    price, _ = hand_price("2", valid_from=JANUARY)
    price_end(price_id=price.pk, change=Remembered())
    price.refresh_from_db()
    assert price.valid_until is not None
    with pytest.raises(Conflict):
        price_end(price_id=price.pk, change=Remembered())


def test_ending_a_price_that_has_not_begun_removes_it():
    price, _ = hand_price("2", valid_from=timezone.now() + timedelta(days=1))
    change = Remembered()
    price_end(price_id=price.pk, change=change)
    assert not Price.objects.filter(pk=price.pk).exists()
    assert change.after is None


def test_a_loaded_price_is_not_ended_by_hand():
    loaded = Price.objects.get(source="shipped")
    with pytest.raises(Conflict):
        price_end(price_id=loaded.pk, change=Remembered())
    with pytest.raises(NotFound):
        price_end(price_id=0, change=Remembered())


def test_the_row_of_another_factory_is_not_touched(tmp_path):
    catalog_load(write(tmp_path, acme(name="Bolts")))
    llm_update(factory="Acme", llm_name="anvil-1", values={"is_active": False}, change=Remembered())
    assert LLM.objects.get(factory__name="Bolts", llm_name="anvil-1").is_active
