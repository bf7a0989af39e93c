"""Promise 1: what the caller got is in the ledger exactly once, whatever is killed."""

import itertools
import threading

from tests.faults.drill import Findings
from tests.faults.load import keep_calling
from tests.faults.standing import Standing, standing

CALLS = 2_000
PER_SECOND = 30
KILL_EVERY_S = 5.0
VICTIMS = ("web", "worker", "valkey", "postgres")


def run() -> Findings:
    findings = Findings()
    with standing() as hub:
        over = threading.Event()
        kills: list[str] = []
        killer = threading.Thread(target=_kill_in_turn, args=(hub, over, kills))
        killer.start()
        notes = keep_calling(hub.chat, calls=CALLS, per_second=PER_SECOND)
        over.set()
        killer.join()
        hub.wait_healthy()
        acknowledged = set(notes.acknowledged)
        ledger = hub.ledger(at_least=len(acknowledged), within_s=120)
        served = hub.served()
    repeated = [request_id for request_id, times in ledger.items() if times > 1]
    findings.count(
        calls=CALLS,
        kills=len(kills),
        acknowledged=len(acknowledged),
        provider=len(served),
        ledger=len(ledger),
        acknowledged_and_not_in_ledger=len(acknowledged - ledger.keys()),
        twice_in_ledger=len(repeated),
        in_ledger_and_not_served=len(ledger.keys() - served.keys()),
        no_answer=notes.statuses["no answer"],
        server_errors=notes.server_errors,
    )
    findings.require(len(acknowledged) > CALLS / 4, "too few calls were answered to tell anything")
    findings.require(acknowledged <= ledger.keys(), "answers are missing in the ledger")
    findings.require(not repeated, "a call stands in the ledger twice")
    findings.require(ledger.keys() <= served.keys(), "the ledger holds what nobody served")
    return findings


def _kill_in_turn(hub: Standing, over: threading.Event, kills: list[str]) -> None:
    for victim in itertools.cycle(VICTIMS):
        if over.wait(KILL_EVERY_S):
            return
        hub.kill(victim)
        kills.append(victim)
