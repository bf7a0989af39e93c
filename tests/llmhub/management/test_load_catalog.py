import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from providers.catalog.files import SHIPPED
from providers.models import LLMFactory, Price
from tenants.models import OperatorAuditEntry
from tests.providers.catalog.files import acme, write

pytestmark = pytest.mark.django_db

SHIPPED_FACTORIES = len(list(SHIPPED.glob("*.json")))


def load_catalog(*args: Any) -> str:
    out = StringIO()
    call_command("load_catalog", *args, stdout=out)
    return out.getvalue()


def test_it_says_what_it_did():
    assert f"factories: {SHIPPED_FACTORIES} created\n" in load_catalog()
    assert load_catalog() == "catalog: is as it was loaded last; nothing to do\n"
    assert f"factories: {SHIPPED_FACTORIES} unchanged\n" in load_catalog("--force")


def test_it_prints_json():
    report = json.loads(load_catalog("--json"))
    assert report["factories"]["created"] == SHIPPED_FACTORIES
    assert report["notes"] == []


def test_it_takes_a_file(tmp_path):
    load_catalog("--file", str(write(tmp_path, acme())))
    assert LLMFactory.objects.get().name == "Acme"


def test_a_load_that_changes_something_leaves_an_audit_row():
    load_catalog()
    load_catalog()
    entry = OperatorAuditEntry.objects.get(action="catalog.load")
    assert entry.actor_label == "load_catalog"
    assert entry.after is not None
    assert entry.after["factories"]["created"] == SHIPPED_FACTORIES


def test_a_broken_file_is_one_clear_line(tmp_path):
    with pytest.raises(CommandError, match=r"^acme\.json: Acme: rank: wants a whole number"):
        load_catalog("--file", str(write(tmp_path, acme(rank=-5))))
    assert not OperatorAuditEntry.objects.exists()


def test_it_takes_over_the_prices_of_the_installed_package(whole_catalog):
    Price.objects.filter(source="genai-prices").delete()
    assert "prices: " in load_catalog("--from", "genai-prices")
    assert Price.objects.filter(source="genai-prices").exists()
    entry = OperatorAuditEntry.objects.get(action="catalog.load")
    assert entry.target_label == "genai-prices"
    assert load_catalog("--from", "genai-prices") == (
        "catalog: is as it was loaded last; nothing to do\n"
    )
    assert OperatorAuditEntry.objects.filter(action="catalog.load").count() == 1


def test_it_takes_one_source_at_a_time():
    with pytest.raises(CommandError, match="not allowed with argument"):
        load_catalog("--from", "genai-prices", "--force")
