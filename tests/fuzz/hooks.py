"""What schemathesis checks of each answer. Loaded by its process; run.py reads what it counted."""

import atexit
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis

CANARIES = [word.encode() for word in os.environ["FUZZ_CANARIES"].split(",")]
COUNTS: Counter[str] = Counter()


@schemathesis.check
def nothing_broke(ctx: Any, response: Any, case: Any) -> None:
    """No 5xx of our own. What the provider of the fuzzed tenant did wrong has a code of its own."""
    COUNTS[str(response.status_code)] += 1
    if response.status_code < 500:
        return
    code = _code(response.content)
    COUNTS[f"{response.status_code} {code}"] += 1
    assert code.startswith("provider_"), f"{response.status_code} {code}"


@schemathesis.check
def nothing_leaked(ctx: Any, response: Any, case: Any) -> None:
    told = response.content + repr(response.headers).encode()
    leaked = [word for word in CANARIES if word in told]
    COUNTS["leaks"] += bool(leaked)
    assert not leaked, "a secret or a traceback is in the answer"


@schemathesis.check
def it_has_an_id(ctx: Any, response: Any, case: Any) -> None:
    if case.operation.path.startswith("/v"):
        headers = {name.lower() for name in response.headers}
        assert "x-request-id" in headers, "x-request-id is missing"


def _code(content: bytes) -> str:
    try:
        body = json.loads(content)
        return str(body["error"]["code"] if "error" in body else body.get("code"))
    except (ValueError, TypeError, KeyError, AttributeError):
        return "no code"


@atexit.register
def _write() -> None:
    Path(os.environ["FUZZ_COUNTS"]).write_text(json.dumps(COUNTS), encoding="utf-8")
