from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from providers.catalog.bulk import rows_insert
from providers.models import LLM, LLMFactory, Price

pytestmark = pytest.mark.django_db


def test_rows_come_back_as_they_went_in():
    factory = LLMFactory.objects.create(name="Acme")
    llm = LLM(
        factory=factory,
        llm_name='odd "name" with {braces}, \\ and ü',
        model_types=["chat", "tts"],
        sources={"*": "provider"},
    )
    rows_insert(LLM, [llm])
    rows_insert(Price, [Price(llm=llm, source="shipped", input_usd_per_mtok=Decimal("0.000001"))])
    found = LLM.objects.get()
    assert (found.pk, found.llm_name, found.model_types) == (llm.pk, llm.llm_name, ["chat", "tts"])
    assert (found.sources, found.capabilities, found.deprecated_on) == ({"*": "provider"}, [], None)
    assert found.created_at is not None
    assert Price.objects.get(llm=found).input_usd_per_mtok == Decimal("0.000001")


def test_a_row_saved_afterwards_is_an_update_and_a_new_one_gets_the_next_id():
    rows = [LLMFactory(name="Acme"), LLMFactory(name="Bolts")]
    rows_insert(LLMFactory, rows)
    rows[0].rank = 5
    rows[0].save()
    third = LLMFactory.objects.create(name="Cogs")
    assert LLMFactory.objects.get(name="Acme").rank == 5
    assert len({rows[0].pk, rows[1].pk, third.pk}) == 3


def test_a_row_that_breaks_a_constraint_inserts_none():
    rows = [LLMFactory(name="Acme"), LLMFactory(name="Acme")]
    with pytest.raises(IntegrityError), transaction.atomic():
        rows_insert(LLMFactory, rows)
    assert not LLMFactory.objects.exists()


def test_no_rows_are_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        rows_insert(LLM, [])
