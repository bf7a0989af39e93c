import socket
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection
from psycopg_pool import ConnectionPool, PoolTimeout

from llmhub.database import base
from llmhub.database.base import DatabaseWrapper
from llmhub.embedded.ports import free_port
from tests.waiting import wait_until


@pytest.fixture
def wrapper() -> Iterator[DatabaseWrapper]:
    """One with a pool of its own, of a single connection."""
    options = connection.settings_dict["OPTIONS"]
    pool = {"min_size": 0, "max_size": 1, "timeout": 0.05, "reconnect_timeout": 0.05}
    settings = {**connection.settings_dict, "OPTIONS": {**options, "pool": pool}}
    made = DatabaseWrapper(settings, alias="of_the_test")
    yield made
    made.close_pool()


def hold_all(wrapper: DatabaseWrapper) -> tuple[ConnectionPool, object]:
    wrapper.pool.open()
    return wrapper.pool, wrapper.pool.getconn(timeout=5)


@pytest.mark.django_db
def test_a_busy_pool_is_waited_for_beyond_its_own_timeout(wrapper: DatabaseWrapper):
    pool, held = hold_all(wrapper)

    def give_back_late() -> None:
        wait_until(lambda: pool.get_stats().get("requests_errors", 0) >= 2, what="two timeouts")
        pool.putconn(held)  # type: ignore[arg-type]

    giver = threading.Thread(target=give_back_late)
    giver.start()
    taken = wrapper.get_new_connection(wrapper.get_connection_params())
    giver.join()
    pool.putconn(taken)


@pytest.mark.django_db
def test_a_pool_that_stays_full_is_given_up_after_a_while(
    wrapper: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
):
    pool, held = hold_all(wrapper)
    monkeypatch.setattr(base, "WAIT_S", 0.2)
    with pytest.raises(PoolTimeout):
        wrapper.get_new_connection(wrapper.get_connection_params())
    pool.putconn(held)  # type: ignore[arg-type]


def test_where_nobody_listens_it_says_so_at_the_first_timeout():
    options = connection.settings_dict["OPTIONS"]
    pool = {"min_size": 0, "max_size": 1, "timeout": 0.05, "reconnect_timeout": 0.05}
    settings = {
        **connection.settings_dict,
        "PORT": free_port(),
        "OPTIONS": {**options, "pool": pool},
    }
    gone = DatabaseWrapper(settings, alias="gone")
    started = time.monotonic()
    with pytest.raises(PoolTimeout):
        gone.get_new_connection(gone.get_connection_params())
    assert time.monotonic() - started < base.WAIT_S
    gone.close_pool()


def test_a_server_on_a_unix_socket_is_looked_for_there(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("s")
    params = {"host": str(folder), "port": "5432"}
    assert not base._is_listening(params)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/.s.PGSQL.5432")
        server.listen()
        assert base._is_listening(params)
