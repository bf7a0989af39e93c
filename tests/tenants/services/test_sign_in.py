"""Counting attempts to sign in."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from llmhub.base.errors import RateLimited, ServiceUnavailable
from llmhub.base.valkey import valkey
from llmhub.embedded.ports import free_port
from tenants.services import sign_in
from tenants.services.sign_in import FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS, sign_in_attempt


@pytest.fixture(autouse=True)
def _no_failures_counted() -> Iterator[None]:
    yield
    for key in valkey().scan_iter("hub:sign_in:*"):
        valkey().delete(key)


def admitted(email: str, address: str) -> bool:
    try:
        sign_in_attempt(email=email, address=address)
    except RateLimited:
        return False
    return True


def test_parallel_guesses_do_not_slip_through():
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: admitted("alice@example.com", "192.0.2.1"), range(60)))
    assert sum(results) == FAILURES_PER_ACCOUNT


def test_the_addresses_of_one_ipv6_network_count_as_one():
    tries = [
        admitted(f"u{n}@example.com", f"2001:db8:0:1::{n:x}")
        for n in range(FAILURES_PER_ADDRESS + 5)
    ]
    assert sum(tries) == FAILURES_PER_ADDRESS
    assert admitted("alice@example.com", "2001:db8:0:2::1")


def test_the_wait_ends_by_itself():
    while admitted("alice@example.com", "192.0.2.1"):
        pass
    for key in valkey().scan_iter("hub:sign_in:*"):
        assert 0 < valkey().ttl(key) <= sign_in.WINDOW_S


def test_addresses_are_not_stored_in_the_clear():
    sign_in_attempt(email="alice@example.com", address="192.0.2.1")
    keys = b" ".join(valkey().scan_iter("hub:sign_in:*"))
    assert b"alice" not in keys


def test_where_attempts_cannot_be_counted_nobody_signs_in(monkeypatch):
    away = Redis(port=free_port(), socket_connect_timeout=0.2)
    monkeypatch.setattr(sign_in, "valkey", lambda: away)
    with pytest.raises(ServiceUnavailable):
        sign_in_attempt(email="alice@example.com", address="192.0.2.1")
