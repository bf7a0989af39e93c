"""A whole hub: how long until its first call is answered, and what its processes take at rest.

Packages are installed already. A start ends with a chat call that the built-in model answered.
Memory is the proportional set size (PSS) from /proc, so pages that processes share are counted
once; a program's own children count with it. Linux alone has it.
"""

import time

from bench.processes import pss_mb, tree
from tests.hub_process import HubProcess

SETTLE_S = 30
"""At rest: the work of the start is over, and the periodic tasks have run a few times."""


def run() -> dict[str, float]:
    hub = HubProcess()
    try:
        first = _timed_start(hub)
        hub.stop()
        second = _timed_start(hub)
        time.sleep(SETTLE_S)
        memory = _memory_mb(hub)
        started = time.perf_counter()
        hub.stop()
        stopping = time.perf_counter() - started
    finally:
        hub.close()
    return {
        "first start, empty data folder, s": round(first, 1),
        "second start, s": round(second, 1),
        "stopping, s": round(stopping, 1),
        **{f"memory of {name}, MB": size for name, size in memory.items()},
        "memory of all, MB": round(sum(memory.values()), 1),
    }


def _timed_start(hub: HubProcess) -> float:
    started = time.perf_counter()
    hub.start()
    return time.perf_counter() - started


def _memory_mb(hub: HubProcess) -> dict[str, float]:
    """By program: those with a pid file, and what they started."""
    found = {path.stem: int(path.read_text()) for path in (hub.data_dir / "run").glob("*.pid")}
    found["supervisor"] = hub.popen.pid
    roots = set(found.values())
    sizes = {name: pss_mb(tree([pid], but=roots - {pid})) for name, pid in sorted(found.items())}
    return {name: round(size, 1) for name, size in sizes.items() if size}
