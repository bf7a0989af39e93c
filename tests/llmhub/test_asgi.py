"""Gateway and Django on one port."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from llmhub.asgi import MAX_BODY_BYTES, application


def call(path: str, bodies: Sequence[bytes], headers: Sequence[tuple[bytes, bytes]] = ()) -> Any:
    """The status and JSON of an answer that never gets as far as Django."""
    messages = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": list(headers),
        "query_string": b"",
        "scheme": "http",
        "http_version": "1.1",
    }
    asyncio.run(application(scope, receive, send))
    return sent[0]["status"], orjson.loads(sent[1]["body"])


def announced(size: int) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", str(size).encode())]


@pytest.mark.parametrize(
    ("bodies", "headers"),
    [([], announced(MAX_BODY_BYTES + 1)), ([b" " * 2**20] * 3, [])],
    ids=["announced", "chunked"],
)
def test_a_body_that_is_too_large_is_refused_in_the_envelope(
    bodies: list[bytes], headers: list[tuple[bytes, bytes]]
) -> None:
    status, answer = call("/llm/add_llm", bodies, headers)
    assert status == 413
    assert answer["retcode"] == 1
    assert answer["data"] is None
    assert answer["error"] == {"code": "body_too_large", "details": {}}


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing"])
def test_everything_below_v1_is_the_gateways(path: str) -> None:
    status, answer = call(path, [])
    assert status == 404
    assert answer["error"]["code"] == "unknown_path"
