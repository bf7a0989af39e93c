"""What tests of limits and budgets have in common."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from llmhub.base.valkey import valkey
from providers.models import LLM, LLMFactory, Price, PriceSource
from tenants.limits.selectors import budget_list, limit_list
from tests.committed_people import FACTORY, Person
from tests.gateway.raw_http import Answer, chat
from tests.gateway.server import RunningGateway
from tests.gateway.test_outages import Process, gateway_process, through
from tests.provider_server import PROMPT_TOKENS, WORDS

USED = PROMPT_TOKENS + len(WORDS)
"""Tokens of an answered call."""
ASKED = 100
"""What the calls below set as the limit of their answer."""


@contextmanager
def own_process() -> Iterator[tuple[RunningGateway, Process]]:
    """A gateway that is a process of its own, on the tests' database."""
    url = settings.HUB.database_url
    name = settings.DATABASES["default"]["NAME"]
    environment = {"DATABASE_URL": through(url, urlsplit(url).port or 0, f"/{name}")}
    with gateway_process(environment) as started:
        yield started


@contextmanager
def two_processes() -> Iterator[tuple[RunningGateway, RunningGateway]]:
    with own_process() as (first, _), own_process() as (second, _):
        yield first, second


def small(gateway: RunningGateway, token: str, **more: Any) -> Answer:
    return chat(gateway, token, **{"max_tokens": ASKED, **more})


def at_once(call: Callable[[int], Answer], count: int) -> list[Answer]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def statuses(answers: Sequence[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def the_budget(person: Person) -> dict[str, Any]:
    return _only(budget_list(tenant=person.tenant))


def the_limit(person: Person) -> dict[str, Any]:
    return _only(limit_list(tenant=person.tenant))


def price_set_for(llm_name: str, *, input_usd: str, output_usd: str) -> Price:
    """Per million tokens, since yesterday."""
    factory = LLMFactory.objects.get(name=FACTORY)
    llm, _ = LLM.objects.get_or_create(
        factory=factory, llm_name=llm_name, defaults={"model_types": ["chat"]}
    )
    return Price.objects.create(
        llm=llm,
        input_usd_per_mtok=Decimal(input_usd),
        output_usd_per_mtok=Decimal(output_usd),
        valid_from=datetime.now(UTC) - timedelta(days=1),
        source=PriceSource.HAND,
    )


def flush() -> None:
    """FLUSHALL, as an operator's slip."""
    valkey().flushall()


def _only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    [row] = rows
    return row
