"""Promise 4: whatever becomes of a call, what was reserved for it is free again within 60 s."""

import threading
import time
from collections.abc import Generator
from contextlib import suppress
from itertools import islice

from tests.faults.drill import Findings
from tests.faults.load import BROKEN, call, chat, open_stream
from tests.faults.standing import MODEL, Standing, standing
from tests.provider_server import SSE, Reply, stream_chunks

EACH = 10
FREE_WITHIN_S = 60.0
_PATH = "/v1/chat/completions"


def run() -> Findings:
    findings = Findings()
    with standing() as hub:
        budget = hub.api.post(
            "/llm/budgets", name="drill", unit="tokens", period="total", amount="1000000000"
        ).body["details"]["budget"]["id"]
        for name, end in _ENDINGS.items():
            end(hub)
            took_s = _seconds_until_free(hub, budget)
            findings.count(**{f"{name}_free_after_s": round(took_s, 1)})
            findings.require(took_s <= FREE_WITHIN_S, f"{name}: reserved for {took_s:.0f} s")
    return findings


def _seconds_until_free(hub: Standing, budget_id: str) -> float:
    started = time.monotonic()
    while time.monotonic() - started < 2 * FREE_WITHIN_S:
        with suppress(*BROKEN):
            if not int(hub.api.get(f"/llm/budgets/{budget_id}").data["reserved"]):
                break
        time.sleep(0.1)
    return time.monotonic() - started


def _calls(hub: Standing, *replies: Reply) -> None:
    hub.provider.script(_PATH, *replies)
    for _ in replies:
        with suppress(*BROKEN):
            call(hub.hub.port, hub.token, chat(MODEL))


def _success(hub: Standing) -> None:
    for _ in range(EACH):
        hub.chat()


def _refused(hub: Standing) -> None:
    _calls(hub, *[Reply(status=400, body={"error": {"message": "no"}})] * EACH)


def _failed(hub: Standing) -> None:
    _calls(hub, *[Reply(status=503, body={"error": {"message": "busy"}})] * EACH)


def _broken_off(hub: Standing) -> None:
    _calls(hub, *[Reply(status=200, chunks=[b'{"choices": ['], ending="cut")] * EACH)


def _hung_up(hub: Standing) -> None:
    for _ in range(EACH):
        _open_stream_for(hub, events=2).close()


def _killed(hub: Standing) -> None:
    """SIGKILL of the gateway with open streams, and of Valkey a moment later."""
    streams = [_open_stream_for(hub, events=1) for _ in range(EACH)]
    hub.kill("web")
    threading.Timer(0.5, hub.kill, ("valkey",)).start()
    for stream in streams:
        stream.close()
    hub.wait_healthy()


def _open_stream_for(hub: Standing, *, events: int) -> Generator[bytes]:
    chunks = stream_chunks(has_usage=False)[:events]
    hub.provider.script(_PATH, Reply(headers={"content-type": SSE}, chunks=chunks, ending="hang"))
    stream = open_stream(hub.hub.port, hub.token, chat(MODEL))
    for _ in islice(stream, 1 + 2 * events):
        pass
    return stream


_ENDINGS = {
    "success": _success,
    "refused_by_provider": _refused,
    "provider_down": _failed,
    "reply_cut": _broken_off,
    "caller_gone": _hung_up,
    "gateway_and_valkey_killed": _killed,
}
