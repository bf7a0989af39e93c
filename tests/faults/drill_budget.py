"""Promise 3: a hard budget is never oversold, on every route that spends."""

import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.faults.drill import Findings
from tests.faults.load import CHAT, call, chat
from tests.faults.standing import EMBEDDING_MODEL, MODEL, Standing, standing
from tests.waiting import wait_until

AT_ONCE = 50
ROOM = 10
_WORDS = [{"role": "user", "content": "Hello"}]

SPENDING: Mapping[str, tuple[str, dict[str, Any]]] = {
    "chat": (CHAT, chat(MODEL, max_tokens=50)),
    "stream": (CHAT, chat(MODEL, max_tokens=50, stream=True)),
    "completions": ("/v1/completions", {"model": MODEL, "prompt": "Hello", "max_tokens": 50}),
    "responses": ("/v1/responses", {"model": MODEL, "input": "Hello", "max_output_tokens": 50}),
    "messages": ("/v1/messages", {"model": MODEL, "messages": _WORDS, "max_tokens": 50}),
    "embeddings": ("/v1/embeddings", {"model": EMBEDDING_MODEL, "input": "Hello"}),
}
"""By name: the path and the body. The provider answers once all fifty are decided, so that none
settles and makes room for another."""


def run() -> Findings:
    findings = Findings()
    with standing() as hub:
        budget = hub.api.post(
            "/llm/budgets", name="drill", unit="tokens", period="total", amount="1000000000"
        ).body["details"]["budget"]
        for name, (path, body) in SPENDING.items():
            reserved = _reserved_by_one(hub, budget["id"], path, body)
            spent = int(_budget(hub, budget["id"])["spent"])
            room = spent + ROOM * reserved
            assert hub.api.patch(f"/llm/budgets/{budget['id']}", amount=str(room)).data is True
            before = len(hub.provider.seen)
            statuses = _all_at_once(hub, path, body)
            reached = len(hub.provider.seen) - before
            findings.count(**{f"{name}_admitted": statuses[200], f"{name}_at_provider": reached})
            findings.require(
                statuses[200] == ROOM, f"{name}: {dict(statuses)}, and room for {ROOM}"
            )
            findings.require(reached == ROOM, f"{name}: {reached} calls reached the provider")
            refused = statuses[402] + statuses[429]
            findings.require(refused == AT_ONCE - ROOM, f"{name}: refused {dict(statuses)}")
            hub.ledger(at_least=1)
            hub.api.patch(f"/llm/budgets/{budget['id']}", amount="1000000000")
    return findings


def _budget(hub: Standing, budget_id: str) -> dict[str, Any]:
    found: dict[str, Any] = hub.api.get(f"/llm/budgets/{budget_id}").data
    return found


def _reserved_by_one(hub: Standing, budget_id: str, path: str, body: dict[str, Any]) -> int:
    """What one such call takes, seen while it runs."""
    with hub.provider.holding_back():
        caller = threading.Thread(target=call, args=(hub.hub.port, hub.token, body, path))
        caller.start()
        wait_until(lambda: int(_budget(hub, budget_id)["reserved"]), what="the reservation")
        reserved = int(_budget(hub, budget_id)["reserved"])
    caller.join()
    wait_until(lambda: not int(_budget(hub, budget_id)["reserved"]), what="the settlement")
    return reserved


def _all_at_once(hub: Standing, path: str, body: dict[str, Any]) -> Counter[int]:
    statuses: Counter[int] = Counter()
    decided = threading.Semaphore(0)

    def one() -> int:
        try:
            return call(hub.hub.port, hub.token, body, path).status
        finally:
            decided.release()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        with hub.provider.holding_back():
            answers = [pool.submit(one) for _ in range(AT_ONCE)]
            for _ in range(AT_ONCE - ROOM):
                decided.acquire(timeout=30)
        statuses.update(answer.result() for answer in answers)
    return statuses
