"""POST /llm/set_price, and `price` of add_llm: what a tenant pays for models of its own."""

from decimal import Decimal

import pytest

from providers.pricing import price_in_force
from tenants.audit.models import AuditEntry
from tenants.llms.snapshot_build import models_of, snapshot_build
from tenants.models import SharedModel
from tenants.tenancy import in_schema
from tests.llms.shared import shared_model_grant
from tests.management import COMPATIBLE, model_add

MODEL = {"llm_factory": COMPATIBLE, "llm_name": "test-chat"}
PRICE = {"input_usd_per_mtok": "0.125", "output_usd_per_mtok": "0.5", "usd_per_second": "1e-9"}


def price_of(person):
    from django.utils import timezone

    [model] = models_of(person.tenant)
    return price_in_force(model.prices, timezone.now())


def details(person):
    listed = person.api.get("my_llms", include_details="true").require_success().data
    return listed[COMPATIBLE]["llm"][0]


def test_a_price_reaches_the_gateway_before_the_catalogs(chat):
    chat.api.post("set_price", MODEL | {"price": PRICE}).require_success()
    price = price_of(chat)
    assert price.source == "tenant"
    assert price.figures.input_usd_per_mtok == Decimal("0.125")
    assert price.figures.usd_per_second == Decimal("0.000000001")
    assert price.figures.usd_per_image is None
    assert (details(chat)["price"]["input_usd_per_mtok"], details(chat)["price_source"]) == (
        "0.125000",
        "tenant",
    )


def test_null_takes_it_back(chat):
    chat.api.post("set_price", MODEL | {"price": PRICE}).require_success()
    chat.api.post("set_price", MODEL | {"price": None}).require_success()
    assert price_of(chat) is None
    assert (details(chat)["price"], details(chat)["price_source"]) == ({}, "")


def test_free_is_not_unknown(chat):
    chat.api.post("set_price", MODEL | {"price": {"usd_per_request": "0"}}).require_success()
    assert price_of(chat).figures.usd_per_request == 0


def test_a_change_is_audited_once_and_raises_the_version(chat):
    before = snapshot_build(chat.tenant.pk).tenant_version
    for _ in range(2):
        chat.api.post("set_price", MODEL | {"price": PRICE}).require_success()
    assert snapshot_build(chat.tenant.pk).tenant_version == before + 1
    with in_schema(chat.tenant):
        [row] = AuditEntry.objects.filter(action="model.set_price")
    assert row.after == {
        "price": {
            "input_usd_per_mtok": "0.125000",
            "output_usd_per_mtok": "0.500000",
            "usd_per_second": "0.000000001",
        }
    }


def test_add_llm_takes_a_price_and_keeps_it_when_asked_again(alice, provider):
    model_add(alice.api, provider, price=PRICE)
    model_add(alice.api, provider)
    assert price_of(alice).figures.output_usd_per_mtok == Decimal("0.5")


@pytest.mark.parametrize(
    "price",
    [
        {},
        {"input_usd_per_mtok": None},
        {"input_usd_per_mtok": "-1"},
        {"input_usd_per_mtok": "NaN"},
        {"input_usd_per_mtok": "Infinity"},
        {"input_usd_per_mtok": "1e30"},
        {"input_usd_per_mtok": "0.0000001"},
        {"input_usd_per_token": "1"},
        {"tiers": "1"},
        "1",
        [],
    ],
    ids=str,
)
def test_what_is_no_price_is_refused_and_changes_nothing(chat, price):
    error = chat.api.post("set_price", MODEL | {"price": price}).require_failure(400).error
    assert error["details"]["field"] == "price"
    assert price_of(chat) is None


def test_a_model_that_is_not_there_has_no_price(chat):
    body = MODEL | {"llm_name": "nobody's", "price": PRICE}
    chat.api.post("set_price", body).require_failure(404)


def test_a_shared_models_price_is_the_operators(alice, provider):
    connection = shared_model_grant(provider)
    SharedModel.objects.update(usd_per_request=Decimal("0.5"))
    price = price_of(alice)
    assert (price.source, price.figures.usd_per_request) == ("operator", Decimal("0.5"))
    model = SharedModel.objects.get()
    body = {"llm_factory": connection.llm_factory, "llm_name": model.llm_name, "price": PRICE}
    assert alice.api.post("set_price", body).require_failure(409).error["code"] == "shared_model"
