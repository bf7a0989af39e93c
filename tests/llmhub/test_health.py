from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from llmhub import broker
from llmhub.embedded.ports import LOOPBACK, free_port


@pytest.fixture
def broker_away(settings: Settings) -> Iterator[None]:
    url = f"redis://:a-password@{LOOPBACK}:{free_port()}/0"
    settings.HUB = replace(settings.HUB, redis_url=url)
    broker._client.cache_clear()
    yield
    broker._client.cache_clear()


def test_a_living_process_says_so_without_its_servers(client: Client, broker_away: None) -> None:
    answer = client.get("/healthz/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_it_is_ready_when_both_servers_answer(client: Client) -> None:
    answer = client.get("/healthz/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "valkey": "ok"}


@pytest.mark.django_db
def test_it_names_the_part_that_is_away_and_nothing_else(client: Client, broker_away: None) -> None:
    answer = client.get("/healthz/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "ok", "valkey": "away"}
