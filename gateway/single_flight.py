"""Many ask at once, one goes."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Concurrent calls for a key share one run, which always begins after the call was made: what
    it reads is never older than the question. A caller that is cancelled does not stop the run."""

    def __init__(self, run: Callable[[K], Awaitable[V]]) -> None:
        self._run = run
        self._queued: dict[K, asyncio.Task[V]] = {}
        self._running: dict[K, asyncio.Task[V]] = {}

    async def __call__(self, key: K) -> V:
        task = self._queued.get(key)
        if task is None:
            task = asyncio.create_task(self._fly(key, self._running.get(key)))
            task.add_done_callback(_retrieve)
            self._queued[key] = task
        return await asyncio.shield(task)

    async def _fly(self, key: K, before: "asyncio.Task[V] | None") -> V:
        if before is not None:
            await asyncio.wait([before])
        task = self._running[key] = self._queued.pop(key)
        try:
            return await self._run(key)
        finally:
            if self._running.get(key) is task:
                del self._running[key]


def _retrieve(task: "asyncio.Task[V]") -> None:
    """Where every caller was cancelled nobody else looks at the exception."""
    if not task.cancelled():
        task.exception()
