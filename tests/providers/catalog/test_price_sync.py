import builtins
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from llmhub.base.errors import NotSupported
from providers.catalog.genai_prices import PACKAGE
from providers.catalog.loader import catalog_load
from providers.catalog.price_sync import prices_sync
from providers.models import LLM, CatalogLoad, LLMFactory, Price
from providers.selectors import price_at
from providers.services import price_set
from tests.providers.changes import Remembered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("whole_catalog")]


def loaded(llm_name: str = "gpt-4o") -> Price:
    return Price.objects.get(
        llm__factory__name="OpenAI", llm__llm_name=llm_name, source=PACKAGE, valid_until=None
    )


def test_prices_that_the_files_have_already_are_left_as_they_are():
    report = prices_sync()
    assert report.prices["unchanged"] > 900
    assert report.prices["updated"] == report.prices["retired"] == 0


def test_another_figure_follows_the_package():
    right = loaded().input_usd_per_mtok
    Price.objects.filter(pk=loaded().pk).update(input_usd_per_mtok=99)
    report = prices_sync()
    assert loaded().input_usd_per_mtok == right
    assert report.prices["updated"] == 1


def test_a_second_sync_looks_at_nothing():
    prices_sync()
    assert prices_sync().is_current


def test_a_model_that_an_operator_added_gets_its_price():
    prices_sync()
    Price.objects.filter(llm__llm_name="gpt-4o-mini").delete()
    LLM.objects.filter(llm_name="gpt-4o-mini").delete()
    factory = LLMFactory.objects.get(name="OpenAI")
    LLM.objects.create(factory=factory, llm_name="gpt-4o-mini", model_types=["chat"])
    prices_sync()
    assert loaded("gpt-4o-mini").output_usd_per_mtok is not None


def test_a_price_set_by_hand_stays_and_comes_first():
    figures = {"input_usd_per_mtok": Decimal("0.01")}
    price_set(factory="OpenAI", llm_name="gpt-4o", figures=figures, change=Remembered())
    Price.objects.filter(pk=loaded().pk).update(input_usd_per_mtok=99)
    prices_sync()
    moment = timezone.now() + timedelta(seconds=1)
    found = price_at(factory="OpenAI", llm_name="gpt-4o", moment=moment)
    assert found is not None
    assert (found.source, found.figures.input_usd_per_mtok) == ("hand", Decimal("0.01"))


def test_a_model_that_the_package_does_not_know_keeps_its_price():
    before = Price.objects.filter(source="shipped", valid_until=None).count()
    price = loaded()
    LLM.objects.filter(pk=price.llm_id).update(llm_name="known-to-nobody")
    prices_sync()
    price.refresh_from_db()
    assert price.valid_until is None
    assert Price.objects.filter(source="shipped", valid_until=None).count() == before


def test_files_of_an_older_package_do_not_undo_a_younger_sync():
    prices_sync()
    CatalogLoad.objects.filter(source=PACKAGE).update(version="99.0")
    Price.objects.filter(pk=loaded().pk).update(input_usd_per_mtok=99, source_note="99.0")
    catalog_load(is_forced=True)
    assert loaded().input_usd_per_mtok == 99


def test_an_older_package_does_not_undo_a_younger_sync():
    prices_sync()
    CatalogLoad.objects.filter(source=PACKAGE).update(version="99.0", fingerprint="other")
    Price.objects.filter(pk=loaded().pk).update(input_usd_per_mtok=99)
    report = prices_sync()
    assert loaded().input_usd_per_mtok == 99
    assert "is older than 99.0" in report.notes[0]


def test_without_the_package_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("genai_prices"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(NotSupported, match="pip install genai-prices"):
        prices_sync()
