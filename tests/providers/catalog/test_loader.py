from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from providers.catalog.loader import catalog_load
from providers.catalog.reader import CatalogError
from providers.catalog.report import CatalogReport
from providers.models import LLM, LLMFactory, Price
from providers.services import factory_update, llm_update, price_set
from tests.providers.catalog.files import acme, acme_model, write
from tests.providers.changes import Remembered

pytestmark = pytest.mark.django_db


def load(folder: Path, content: Any) -> CatalogReport:
    return catalog_load(write(folder, content))


def anvil() -> LLM:
    return LLM.objects.get(llm_name="anvil-1")


def everything() -> list[dict[str, Any]]:
    tables = (LLMFactory, LLM, Price)
    return [row for table in tables for row in table.objects.order_by("pk").values()]


def test_it_creates_what_the_file_says(tmp_path):
    report = load(tmp_path, acme())
    factory = LLMFactory.objects.get()
    price = Price.objects.get()
    assert (factory.name, factory.rank, factory.tags) == ("Acme", 10, ["LLM"])
    assert factory.credential_fields[0]["pattern"] == ""
    assert (anvil().model_types, anvil().context_tokens) == (["chat"], 8000)
    assert (price.input_usd_per_mtok, price.usd_per_second) == (Decimal("1.5"), None)
    assert report.factories == Counter(created=1)
    assert report.models == Counter(created=2)
    assert report.prices == Counter(created=1)


def test_a_second_load_of_the_shipped_catalog_writes_nothing():
    catalog_load()
    before = everything()
    with CaptureQueriesContext(connection) as queries:
        report = catalog_load(is_forced=True)
    assert everything() == before
    catalog = [table._meta.db_table for table in (LLMFactory, LLM, Price)]
    writes = [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert not [sql for sql in writes if any(f'"{table}"' in sql for table in catalog)]
    assert report.written_rows == 0
    assert set(+report.factories) == set(+report.models) == set(+report.prices) == {"unchanged"}


def test_the_catalog_that_was_loaded_last_is_not_looked_at_again(whole_catalog):
    with CaptureQueriesContext(connection) as queries:
        report = catalog_load()
    assert report.is_current
    assert len(queries) <= 4
    assert report.as_lines() == {"catalog": "is as it was loaded last; nothing to do"}


def test_rows_that_have_gone_are_loaded_again(whole_catalog):
    LLMFactory.objects.filter(name="Ollama").delete()
    assert catalog_load().factories["created"] == 1
    assert LLMFactory.objects.filter(name="Ollama").exists()


def test_after_an_operators_own_file_the_hubs_catalog_is_read_again(tmp_path, whole_catalog):
    load(tmp_path, acme())
    assert not catalog_load().is_current
    assert catalog_load().is_current


def test_regions_and_sources_are_loaded(tmp_path):
    regions = [{"name": "EU", "base_urls": {"chat": "https://eu.acme.example/v1"}}]
    content = acme_model(source="provider", sources={"context_tokens": "litellm"})
    load(tmp_path, content | {"regions": regions})
    assert LLMFactory.objects.get().regions == regions
    assert anvil().sources == {"*": "provider", "context_tokens": "litellm"}


def test_the_number_of_queries_does_not_grow_with_the_catalog(tmp_path):
    def queries(content: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            load(tmp_path, content)
        return len(captured)

    load(tmp_path, acme())
    few = queries(acme(name="Few"))
    prices = acme()["models"][0]["prices"]
    many = [{"name": f"bolt-{n}", "types": ["chat"], "prices": prices} for n in range(300)]
    assert queries(acme(name="Bolts", models=many)) == few


def test_an_untouched_column_follows_the_file(tmp_path):
    load(tmp_path, acme())
    report = load(tmp_path, acme_model(context_tokens=16000, deprecated_on="2027-01-31"))
    assert (anvil().context_tokens, anvil().deprecated_on) == (16000, date(2027, 1, 31))
    assert report.models == Counter(updated=1, unchanged=1)


def test_an_operators_change_stays_and_is_reported(tmp_path):
    load(tmp_path, acme())
    factory_update(name="Acme", values={"rank": 77}, change=Remembered())
    llm_update(
        factory="Acme",
        llm_name="anvil-1",
        values={"context_tokens": 4000},
        change=Remembered(),
    )
    newer = acme_model(context_tokens=16000, max_output_tokens=500) | {"rank": 20, "logo": "AB"}
    report = load(tmp_path, newer)
    factory = LLMFactory.objects.get()
    assert (factory.rank, factory.logo) == (77, "AB")
    assert (anvil().context_tokens, anvil().max_output_tokens) == (4000, 500)
    assert report.notes == ["Acme: kept rank", "Acme: anvil-1: kept context_tokens"]
    assert report.factories["kept"] == report.models["kept"] == 1


def test_a_kept_change_is_not_written_again(tmp_path):
    load(tmp_path, acme())
    factory_update(name="Acme", values={"rank": 77}, change=Remembered())
    load(tmp_path, acme(rank=20))
    assert load(tmp_path, acme(rank=20)).written_rows == 0


def test_a_model_that_is_gone_from_the_file_is_retired_and_comes_back(tmp_path):
    load(tmp_path, acme())
    without = acme(models=acme()["models"][1:])
    report = load(tmp_path, without)
    assert (anvil().is_active, anvil().deprecated_on) == (False, timezone.localdate())
    assert report.models == Counter(retired=1, unchanged=1)
    assert load(tmp_path, without).written_rows == 0
    load(tmp_path, acme())
    assert (anvil().is_active, anvil().deprecated_on) == (True, None)


def test_a_model_that_is_gone_stays_where_an_operator_changed_it(tmp_path):
    load(tmp_path, acme())
    values = {"max_output_tokens": 100}
    llm_update(factory="Acme", llm_name="anvil-1", values=values, change=Remembered())
    report = load(tmp_path, acme(models=[]))
    assert anvil().is_active
    assert report.models == Counter(kept=1, retired=1)


def test_a_factory_that_no_longer_comes_with_the_hub_is_switched_off(whole_catalog):
    LLMFactory.objects.filter(name="Ollama").update(name="Formerly")
    report = catalog_load(is_forced=True)
    assert not LLMFactory.objects.get(name="Formerly").is_active
    shipped = LLMFactory.objects.count() - 1
    assert report.factories == Counter(created=1, unchanged=shipped - 1, retired=1)
    assert catalog_load(is_forced=True).written_rows == 0


def test_a_factory_from_an_operators_own_file_outlives_the_hubs_next_load(tmp_path):
    load(tmp_path, acme())
    catalog_load()
    assert LLMFactory.objects.get(name="Acme").is_active


def test_loading_one_file_leaves_other_factories_alone(tmp_path):
    load(tmp_path, acme())
    load(tmp_path, acme(name="Bolts"))
    assert LLMFactory.objects.get(name="Acme").is_active


def test_what_an_operator_added_is_not_touched(tmp_path):
    mine = LLMFactory.objects.create(name="Acme", rank=1)
    report = load(tmp_path, acme())
    mine.refresh_from_db()
    assert (mine.rank, LLM.objects.count()) == (1, 0)
    assert report.notes == ["Acme: an operator added this factory"]
    catalog_load()
    mine.refresh_from_db()
    assert mine.is_active


def test_a_model_that_an_operator_added_is_not_touched(tmp_path):
    load(tmp_path, acme(models=[]))
    factory = LLMFactory.objects.get()
    LLM.objects.create(factory=factory, llm_name="anvil-1", model_types=["embedding"])
    LLM.objects.create(factory=factory, llm_name="mine", model_types=["chat"])
    report = load(tmp_path, acme())
    assert anvil().model_types == ["embedding"]
    assert LLM.objects.get(llm_name="mine").is_active
    assert report.notes == ["Acme: anvil-1: an operator added this model"]
    assert not Price.objects.exists()


def test_a_file_older_than_the_loaded_one_is_passed_over(tmp_path):
    load(tmp_path, acme(revised="2026-06-01", rank=50))
    report = load(tmp_path, acme())
    assert LLMFactory.objects.get().rank == 50
    assert report.notes == ["Acme: loaded from a file of 2026-06-01, this one is of 2026-01-01"]


def test_a_price_set_by_hand_is_never_overwritten(tmp_path):
    load(tmp_path, acme())
    by_hand = price_set(
        factory="Acme",
        llm_name="anvil-1",
        figures={"input_usd_per_mtok": Decimal("0.9")},
        change=Remembered(),
    )
    cheaper = [{"input_usd_per_mtok": "0.5", "source": "shipped"}]
    load(tmp_path, acme_model(prices=cheaper))
    load(tmp_path, acme_model(prices=[]))
    by_hand.refresh_from_db()
    assert (by_hand.input_usd_per_mtok, by_hand.valid_until) == (Decimal("0.9"), None)
    assert by_hand.source == "hand"


def test_new_figures_of_a_loaded_price_take_the_place_of_the_old(tmp_path):
    load(tmp_path, acme())
    report = load(tmp_path, acme_model(prices=[{"usd_per_second": "0.0001", "source": "shipped"}]))
    price = Price.objects.get()
    assert (price.input_usd_per_mtok, price.usd_per_second) == (None, Decimal("0.0001"))
    assert report.prices == Counter(updated=1)


def test_a_price_that_is_gone_from_the_file_ends_now_and_keeps_its_past(tmp_path):
    load(tmp_path, acme())
    report = load(tmp_path, acme_model(prices=[]))
    price = Price.objects.get()
    assert price.valid_until is not None
    assert timezone.now() - price.valid_until < timedelta(minutes=1)
    assert report.prices == Counter(retired=1)
    assert load(tmp_path, acme_model(prices=[])).written_rows == 0


def test_a_price_that_is_gone_before_it_began_is_removed(tmp_path):
    ahead = [{"input_usd_per_mtok": "1", "source": "shipped", "from": "2999-01-01"}]
    load(tmp_path, acme_model(prices=ahead))
    load(tmp_path, acme_model(prices=[]))
    assert not Price.objects.exists()


def test_a_price_has_its_interval_from_the_file(tmp_path):
    bounded = {"input_usd_per_mtok": "1", "source": "shipped", "until": "2026-03-01"}
    later = {"input_usd_per_mtok": "2", "source": "shipped", "from": "2026-03-01"}
    load(tmp_path, acme_model(prices=[bounded, later]))
    first, second = Price.objects.order_by("valid_from")
    march = datetime(2026, 3, 1, tzinfo=UTC)
    assert (first.valid_until, second.valid_from, second.valid_until) == (march, march, None)


def test_a_folder_with_one_broken_file_changes_nothing(tmp_path):
    write(tmp_path, acme())
    write(tmp_path, acme(name="Bolts", rank=-1), "bolts.json")
    with pytest.raises(CatalogError, match=r"bolts\.json: Bolts: rank: wants a whole number"):
        catalog_load(tmp_path)
    assert not LLMFactory.objects.exists()
