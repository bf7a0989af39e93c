"""Waiting for what happens in another process: polled, with a deadline."""

import time
from collections.abc import Callable

import pytest


def wait_until(condition: Callable[[], object], *, timeout_s: float = 60, what: str = "") -> None:
    """Return once the condition holds; fails the test when the time is up."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout_s:.0f} s: {what or condition}")
        time.sleep(0.02)
