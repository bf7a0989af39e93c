"""Bills are made again when somebody says so, and never by themselves: promise 8."""

import io
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from llmhub.base.model_types import ModelType
from providers.models import LLM, LLMFactory, Price, PriceSource
from tenants.audit.models import AuditEntry
from tenants.llms.services.tenant_llms import ModelSelection, tenant_llm_set_price
from tenants.tenancy import in_schema
from tenants.usage.models import UsageEvent
from tenants.usage.services import usage_record
from tests.committed_people import ACTOR, FACTORY, Person
from tests.usage.examples import NOON, every_sum, usage

# Ten tokens in at 1 USD, two of them cached at 0.5, and five out at 10, per million.
REPRICED = Decimal("0.000059000")


@pytest.fixture
def catalog_price(alice: Person) -> Iterator[None]:
    factory = LLMFactory.objects.get(name=FACTORY)
    llm = LLM.objects.create(factory=factory, llm_name="test-chat", model_types=["chat"])
    Price.objects.create(
        llm=llm,
        source=PriceSource.SHIPPED,
        input_usd_per_mtok=Decimal(1),
        cached_input_usd_per_mtok=Decimal("0.5"),
        output_usd_per_mtok=Decimal(10),
    )
    yield
    llm.delete()


def rerate(person: Person, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    period = {"since": "2026-05-01", "until": "2026-05-31"}
    given = {"tenant": person.tenant.slug, "json": True, "stdout": out} | period | options
    call_command("usage_rerate", *_arguments(given), stdout=out)
    return dict(json.loads(out.getvalue()))


def _arguments(given: dict[str, Any]) -> list[str]:
    flags = [f"--{name}" for name in ("json", "apply") if given.get(name)]
    named = ("tenant", "since", "until", "model")
    return [*flags, *(f"--{name}={given[name]}" for name in named if name in given)]


def costs(person: Person) -> list[tuple[Decimal | None, str]]:
    with in_schema(person.tenant):
        return list(UsageEvent.objects.order_by("id").values_list("cost_usd", "price_source"))


def audited(person: Person) -> int:
    with in_schema(person.tenant):
        return AuditEntry.objects.filter(action="usage.rerate").count()


def test_it_shows_what_would_change_and_changes_nothing(alice: Person, catalog_price: None) -> None:
    usage_record([usage(alice), usage(alice, cost_usd=None, price_source="")])
    before = every_sum(alice), costs(alice), audited(alice)
    assert rerate(alice) == {
        "applied": False,
        "models": {
            "test-chat@Scripted": {
                "attempts": 2,
                "now_priced": 1,
                "now_unpriced": 0,
                "before_usd": "0.000035000",
                "after_usd": str(2 * REPRICED),
            }
        },
    }
    assert (every_sum(alice), costs(alice), audited(alice)) == before


def test_applied_it_changes_events_and_every_sum_once(alice: Person, catalog_price: None) -> None:
    usage_record([usage(alice), usage(alice, cost_usd=None, price_source="")])
    rows = audited(alice)
    shown = rerate(alice)["models"]
    assert rerate(alice, apply=True)["models"] == shown
    assert costs(alice) == [(REPRICED, "shipped")] * 2
    for sums in every_sum(alice).values():
        assert [(row["cost_usd"], row["unpriced_attempts"]) for row in sums] == [(2 * REPRICED, 0)]
    assert audited(alice) == rows + 1
    assert rerate(alice, apply=True)["models"] == {}
    assert audited(alice) == rows + 1


def test_what_failed_stays_free_and_other_models_stay_as_they_are(
    alice: Person, catalog_price: None
) -> None:
    nothing = dict.fromkeys(
        ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"), 0
    )
    failed = usage(alice, **nothing, error_kind="timeout", cost_usd=Decimal(0), price_source="")
    usage_record([failed, usage(alice), usage(alice, llm_name="unknown", cost_usd=None)])
    assert set(rerate(alice, model="unknown")["models"]) == set()
    assert rerate(alice)["models"]["test-chat@Scripted"]["attempts"] == 1


def test_a_price_that_is_gone_makes_no_call_free(alice: Person) -> None:
    usage_record([usage(alice)])
    [changed] = rerate(alice, apply=True)["models"].values()
    assert (changed["now_unpriced"], changed["after_usd"]) == (1, "0.000000000")
    assert costs(alice) == [(None, "")]


def test_a_tenants_own_price_counts_for_what_had_none(alice: Person) -> None:
    connection = alice.connect("http://127.0.0.1:1/v1")
    usage_record([usage(alice, connection_id=connection.pk, cost_usd=None, price_source="")])
    tenant_llm_set_price(
        tenant=alice.tenant,
        selection=ModelSelection(FACTORY, "test-chat", ModelType.CHAT),
        figures={"usd_per_request": Decimal("0.25")},
        actor=ACTOR,
    )
    assert costs(alice) == [(None, "")]
    rerate(alice, apply=True)
    assert costs(alice) == [(Decimal("0.25"), "tenant")]


def test_days_outside_the_period_stay(alice: Person, catalog_price: None) -> None:
    usage_record([usage(alice)])
    assert rerate(alice, since="2026-05-05")["models"] == {}
    assert rerate(alice, until="2026-05-03")["models"] == {}
    assert len(rerate(alice, since="2026-05-04", until="2026-05-04")["models"]) == 1
    assert NOON.day == 4
