"""Promise 13: with Valkey dead calls flow and nothing is lost; FLUSHALL loses no money."""

import threading

from tests.faults.drill import Findings
from tests.faults.load import keep_calling
from tests.faults.standing import Standing, standing

CALLS = 300
PER_SECOND = 60
FLUSHES = 20


def run() -> Findings:
    findings = Findings()
    with standing() as hub:
        _killed(hub, findings)
        _flushed(hub, findings)
    return findings


def _killed(hub: Standing, findings: Findings) -> None:
    killer = threading.Timer(1.0, hub.kill, ("valkey",))
    killer.start()
    notes = keep_calling(hub.chat, calls=CALLS, per_second=PER_SECOND)
    ledger = hub.ledger(at_least=len(notes.acknowledged))
    missing = set(notes.acknowledged) - ledger.keys()
    findings.count(
        killed_acknowledged=len(notes.acknowledged),
        killed_server_errors=notes.server_errors,
        killed_not_in_ledger=len(missing),
        killed_slowest_s=round(notes.slowest_s, 2),
    )
    findings.require(notes.statuses["200"] == CALLS, f"killed: {dict(notes.statuses)}")
    findings.require(not missing, "killed: answers are missing in the ledger")


def _flushed(hub: Standing, findings: Findings) -> None:
    """FLUSHALL again and again, while usage is on its way."""
    over = threading.Event()
    flusher = threading.Thread(target=_flush, args=(over,))
    flusher.start()
    notes = keep_calling(hub.chat, calls=CALLS, per_second=PER_SECOND)
    over.set()
    flusher.join()
    ledger = hub.ledger(at_least=2 * CALLS)
    served = hub.served()
    missing = set(notes.acknowledged) - ledger.keys()
    findings.count(
        flushed_acknowledged=len(notes.acknowledged),
        flushed_not_in_ledger=len(missing),
        flushed_server_errors=notes.server_errors,
        ledger=len(ledger),
        provider=len(served),
        twice_in_ledger=sum(times > 1 for times in ledger.values()),
    )
    findings.require(notes.statuses["200"] == CALLS, f"flushed: {dict(notes.statuses)}")
    findings.require(not missing, "flushed: answers are missing in the ledger")
    findings.require(max(ledger.values()) == 1, "a call stands in the ledger twice")


def _flush(over: threading.Event) -> None:
    from llmhub.base.valkey import valkey

    for _ in range(FLUSHES):
        if over.wait(CALLS / PER_SECOND / FLUSHES):
            return
        valkey().flushall()
