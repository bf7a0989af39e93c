"""Promise 14: with PostgreSQL dead what is configured goes on, and nothing goes unmetered."""

import time

from tests.faults.drill import Findings
from tests.faults.load import BROKEN, Answer, call, chat, keep_calling
from tests.faults.standing import MODEL, Standing, standing

CALLS = 200
PER_SECOND = 40
ANSWERED_WITHIN_S = 1.0
HEALTHY_WITHIN_S = 5.0
UNKNOWN_TOKEN = "hub_" + "z" * 43


def run() -> Findings:
    findings = Findings()
    with standing() as hub:
        with hub.kept_dead("postgres"):
            _needs_the_database(hub, findings)
            notes = keep_calling(hub.chat, calls=CALLS, per_second=PER_SECOND)
        hub.wait_answering("postgres")
        back_s = _seconds_until_healthy(hub)
        ledger = hub.ledger(at_least=len(notes.acknowledged))
        served = hub.served()
    missing = set(notes.acknowledged) - ledger.keys()
    findings.count(
        calls=CALLS,
        acknowledged=len(notes.acknowledged),
        provider=len(served),
        ledger=len(ledger),
        not_in_ledger=len(missing),
        slowest_call_s=round(notes.slowest_s, 2),
        healthy_after_s=round(back_s, 2),
    )
    findings.require(notes.statuses["200"] == CALLS, f"calls: {dict(notes.statuses)}")
    findings.require(not missing, "answers are missing in the ledger")
    findings.require(max(ledger.values()) == 1, "a call stands in the ledger twice")
    findings.require(back_s <= HEALTHY_WITHIN_S, "healthy again too late")
    return findings


def _needs_the_database(hub: Standing, findings: Findings) -> None:
    """A token that nobody has seen, and the management API: 503 with a Retry-After, soon."""
    for name, path, token in (
        ("gateway", "/v1/chat/completions", UNKNOWN_TOKEN),
        ("management", "/llm/set_api_key", hub.token),
    ):
        started = time.monotonic()
        answer = _answer(hub, path, token)
        took_s = time.monotonic() - started
        findings.count(**{f"{name}_503_after_s": round(took_s, 2)})
        findings.require(answer and answer.status == 503, f"{name}: {answer}")
        findings.require(answer and answer.headers.get("retry-after"), f"{name}: no Retry-After")
        findings.require(took_s <= ANSWERED_WITHIN_S, f"{name}: 503 after {took_s:.2f} s")


def _answer(hub: Standing, path: str, token: str) -> Answer | None:
    try:
        return call(hub.hub.port, token, chat(MODEL), path)
    except BROKEN:
        return None


def _seconds_until_healthy(hub: Standing) -> float:
    """Until a token that is new to the gateway is read from the database."""
    started = time.monotonic()
    while time.monotonic() - started < 60:
        answer = _answer(hub, "/v1/chat/completions", UNKNOWN_TOKEN)
        if answer is not None and answer.status == 401:
            break
        time.sleep(0.02)
    return time.monotonic() - started
