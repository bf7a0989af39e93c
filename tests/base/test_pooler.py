import os

import psycopg
import pytest

from llmhub.base.pooler import PoolerFound, pooler_refuse, pooler_refuse_at_start
from llmhub.embedded.ports import LOOPBACK, free_port
from tests.pooler_peer import transaction_pooler


def test_it_passes_a_database_itself() -> None:
    pooler_refuse(os.environ["DATABASE_URL"])


def test_it_refuses_a_transaction_pooler_and_says_what_to_do() -> None:
    with (
        transaction_pooler(os.environ["DATABASE_URL"]) as url,
        pytest.raises(PoolerFound, match="point it at PostgreSQL itself, or use pool_mode=session"),
    ):
        pooler_refuse(url)


def test_a_pooler_really_loses_the_search_path() -> None:
    """The reason for the probe, and the proof that the peer of these tests is such a pooler."""
    is_lost = "SELECT (current_setting('search_path') = 'tenant_of_the_first')::int"
    with (
        transaction_pooler(os.environ["DATABASE_URL"]) as url,
        psycopg.connect(url, autocommit=True) as first,
        psycopg.connect(url, autocommit=True) as second,
    ):
        first.execute("SET search_path = tenant_of_the_first")
        with second.transaction():
            seen = second.execute(is_lost).fetchone()
    assert seen == (1,)


def test_a_database_that_is_away_is_another_error() -> None:
    with pytest.raises(psycopg.OperationalError, match="refused"):
        pooler_refuse(f"postgresql://hub@{LOOPBACK}:{free_port()}/hub")


def test_a_web_process_starts_while_the_database_is_away_but_not_behind_a_pooler() -> None:
    pooler_refuse_at_start(f"postgresql://hub@{LOOPBACK}:{free_port()}/hub")
    with transaction_pooler(os.environ["DATABASE_URL"]) as url, pytest.raises(PoolerFound):
        pooler_refuse_at_start(url)
