"""Promise 5: who hangs up pays for what was sent."""

from itertools import islice

from tests.faults.drill import Findings
from tests.faults.load import chat, open_stream
from tests.faults.standing import MODEL, Standing, standing
from tests.provider_server import SSE, WORDS, Reply, stream_chunks

LINES_PER_EVENT = 2
ENDINGS = {"first": 1, "middle": 3, "last": len(WORDS)}
"""How many events the caller reads before it hangs up."""


def run() -> Findings:
    findings = Findings()
    with standing() as hub:
        hung_up = {
            f"{name} event, {words}": _hang_up_after(hub, events, has_usage=has_usage)
            for has_usage, words in ((False, "no usage"), (True, "with usage"))
            for name, events in ENDINGS.items()
        }
        hub.ledger(at_least=len(hung_up))
        from tests.faults.books import ledger_rows

        rows = {row["request_id"]: row for row in ledger_rows()}
    findings.count(hung_up=len(hung_up), ledger=sum(i in rows for i, _ in hung_up.values()))
    for name, (request_id, events) in hung_up.items():
        row = rows.get(request_id)
        findings.require(row is not None, f"{name}: not in the ledger")
        if row is None:
            continue
        findings.count(**{name: f"{row['output_tokens']} tokens"})
        findings.require(row["output_tokens"] >= events, f"{name}: less than was sent")
        findings.require(row["input_tokens"] > 0, f"{name}: the prompt was not billed")
        findings.require(row["is_estimated"], f"{name}: not marked as estimated")
    return findings


def _hang_up_after(hub: Standing, events: int, *, has_usage: bool) -> tuple[str, int]:
    """Give the request's id, once the hub has noticed."""
    chunks = stream_chunks(has_usage=has_usage)
    # The provider goes on for long: what ends the stream is the caller's leaving.
    slow = Reply(headers={"content-type": SSE}, chunks=chunks[:events], ending="hang")
    hub.provider.script("/v1/chat/completions", slow)
    stream = open_stream(hub.hub.port, hub.token, chat(MODEL))
    request_id = next(stream).decode()
    for _ in islice(stream, events * LINES_PER_EVENT):
        pass
    stream.close()
    return request_id, events
