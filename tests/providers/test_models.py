"""What the database itself refuses, whoever writes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError

from providers.models import LLM, LLMFactory, Price

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def factory() -> LLMFactory:
    return LLMFactory.objects.create(name="Acme")


@pytest.fixture
def llm(factory: LLMFactory) -> LLM:
    return LLM.objects.create(factory=factory, llm_name="anvil", model_types=["chat"])


@pytest.mark.parametrize(
    "columns",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": "a@b"},
        {"name": "a/b"},
        {"name": "Acme"},
        {"name": "Bolts", "rank": 10_000},
        {"name": "Bolts", "tags": ["UNKNOWN"]},
    ],
)
def test_it_refuses_a_factory(factory: LLMFactory, columns: dict[str, Any]):
    with pytest.raises(IntegrityError):
        LLMFactory.objects.create(**columns)


@pytest.mark.parametrize(
    "columns",
    [
        {"llm_name": ""},
        {"llm_name": "a\x07b"},
        {"llm_name": "anvil"},
        {"model_types": []},
        {"model_types": ["talk"]},
        {"context_tokens": 0},
        {"context_tokens": 100_000_001},
        {"max_output_tokens": 0},
    ],
)
def test_it_refuses_a_model(llm: LLM, columns: dict[str, Any]):
    with pytest.raises(IntegrityError):
        LLM.objects.create(
            factory=llm.factory, **{"llm_name": "new", "model_types": ["chat"], **columns}
        )


def test_a_model_name_may_hold_a_slash_and_an_at_sign(factory: LLMFactory):
    for name in ("org/model", "claude@20251001"):
        LLM.objects.create(factory=factory, llm_name=name, model_types=["chat"])


@pytest.mark.parametrize(
    "columns",
    [
        {"valid_until": NOW},
        {"source": "rumour"},
        {"input_usd_per_mtok": -1},
        {"cache_write_usd_per_mtok": -1},
        {"usd_per_second": -1},
    ],
)
def test_it_refuses_a_price(llm: LLM, columns: dict[str, Any]):
    with pytest.raises(IntegrityError):
        Price.objects.create(llm=llm, **{"source": "hand", "valid_from": NOW, **columns})


def test_one_source_has_one_price_from_one_moment(llm: LLM):
    Price.objects.create(llm=llm, source="hand", valid_from=NOW)
    Price.objects.create(llm=llm, source="shipped", valid_from=NOW)
    Price.objects.create(llm=llm, source="hand", valid_from=LATER)
    with pytest.raises(IntegrityError):
        Price.objects.create(llm=llm, source="hand", valid_from=NOW)
