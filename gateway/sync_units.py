"""The bridge to PostgreSQL: synchronous units of work, each run whole in one thread.

A schema belongs to a thread's connection, so a unit enters it, queries and leaves without an
`await` in between (DESIGN.md, "Tenancy"), and gives its connection back to the pool at its end.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

P = ParamSpec("P")
T = TypeVar("T")

SLOW_S = 0.7
"""A unit that takes longer makes us look whether the database is there at all: one that was killed
is noticed within a second, and one that is merely busy is waited for."""
DEADLINE_S = 5.0
"""How long a unit may run. Waiting for its turn does not count: a rush is no outage."""
PAUSE_S = 1.0
"""After a unit that found no database the next ones are not even tried for so long."""
_CONNECT_S = 0.25
_AT_ONCE = 4
_THREADS = 16
"""More than run at once: a unit that is past its deadline still holds its thread for a while."""


class DatabaseAway(Exception):
    """PostgreSQL did not answer in time. The unit may still be carried out."""


class SyncUnits:
    """A small pool of threads; `close` waits for what runs."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="gateway-unit")
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._away_until = 0.0

    async def run(self, unit: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit gives or raises; DatabaseAway where it did not reach the database."""
        loop = asyncio.get_running_loop()
        try:
            async with self._turns:
                if loop.time() < self._away_until:
                    raise DatabaseAway("the database did not answer a moment ago")
                work = loop.run_in_executor(self._pool, lambda: _whole(unit, *args, **kwargs))
                return await _within_deadline(work)
        except (OperationalError, InterfaceError, TimeoutError) as error:
            self._away_until = loop.time() + PAUSE_S
            raise DatabaseAway(type(error).__name__) from None

    async def compute(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Something long that needs no database, off the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def close(self) -> None:
        self._pool.shutdown()


async def _within_deadline(work: "asyncio.Future[T]") -> T:
    await asyncio.wait([work], timeout=SLOW_S)
    if not work.done() and await _is_nobody_listening():
        work.cancel()
        raise TimeoutError
    return await asyncio.wait_for(work, DEADLINE_S - SLOW_S)


async def _is_nobody_listening() -> bool:
    database = settings.DATABASES["default"]
    if database["HOST"].startswith("/"):
        return False
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(database["HOST"], database["PORT"])
    except (OSError, TimeoutError):
        return True
    writer.close()
    return False


def _whole(unit: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return unit(*args, **kwargs)
    finally:
        connections.close_all()
