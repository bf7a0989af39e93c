import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from providers.models import LLMFactory
from tenants.models import OperatorAuditEntry
from tests.providers.catalog.files import acme, write

pytestmark = pytest.mark.django_db


def load_catalog(*args: Any) -> str:
    out = StringIO()
    call_command("load_catalog", *args, stdout=out)
    return out.getvalue()


def test_it_says_what_it_did():
    assert "factories: 10 created\n" in load_catalog()
    assert "factories: 10 unchanged\n" in load_catalog()


def test_it_prints_json():
    report = json.loads(load_catalog("--json"))
    assert report["factories"]["created"] == 10
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
    assert entry.after["factories"]["created"] == 10


def test_a_broken_file_is_one_clear_line(tmp_path):
    with pytest.raises(CommandError, match=r"^acme\.json: Acme: rank: wants a whole number"):
        load_catalog("--file", str(write(tmp_path, acme(rank=-5))))
    assert not OperatorAuditEntry.objects.exists()
