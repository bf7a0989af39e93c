"""Hostile bodies get a 4xx and no memory: promise 17, on a whole hub, for /v1 and for /llm."""

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.hub_process import HubProcess

pytestmark = pytest.mark.hub

MAX_GROWTH_BYTES = 20 * 2**20
CHAT = "/v1/chat/completions"
AUDIO = "/v1/audio/transcriptions"
SET_KEY = "/llm/set_api_key"
GIGABYTE = 2**30
PIECE = b" " * 2**20


@pytest.fixture(scope="module")
def hub() -> Iterator[HubProcess]:
    running = HubProcess(HUB_MODEL="off")
    try:
        running.start()
        yield running
    finally:
        running.close()


def spaces() -> Iterator[bytes]:
    """A gigabyte in pieces."""
    for _ in range(GIGABYTE // len(PIECE)):
        yield PIECE


NESTED = b"[" * 200_000 + b"]" * 200_000
HEADERS = {
    "gzip": {"content-encoding": "gzip"},
    "long boundary": {"content-type": "multipart/form-data; boundary=" + "b" * 5000},
    "many parts": {"content-type": "multipart/form-data; boundary=b"},
    "endless head": {"content-type": "multipart/form-data; boundary=b"},
}
PART = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n'
BODIES: dict[str, bytes] = {
    "gzip": gzip.compress(PIECE * 100),
    "deep": b'{"messages": ' + NESTED + b"}",
    "long number": b'{"messages": [1], "n": ' + b"9" * 5000 + b"}",
    "NaN": b'{"messages": [1], "temperature": NaN}',
    "duplicate keys": b'{"messages": [1], "model": "a", "model": "b"}',
    "deep duplicates": b'{"messages": [{"a\\\\": 1, "b" :1, "b": 2}]}',
    "empty lists": b'{"messages": [' + b"[]," * 3_000_000 + b"[]]}",
    "numbers": b'{"input": [' + b"1.5," * 2_400_000 + b"1.5]}",
    "half a surrogate": b'{"messages": "\\ud800"}',
    "no UTF-8": b'{"messages": "\xff\xfe"}',
    "long boundary": b"--" + b"b" * 5000 + b"\r\n",
    "many parts": PART * 100_000,
    "endless head": b"--b\r\nX: " + b"y" * 5_000_000,
}


def send(hub: HubProcess, path: str, body: object, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=120)
    token = hub.hub["demo"]["token"]
    sent = {"authorization": f"Bearer {token}", "content-type": "application/json", **headers}
    # The answer may come before the end of the body, and the connection be closed.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", path, body=body, headers=sent)  # type: ignore[arg-type]
    try:
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def memory(hub: HubProcess) -> dict[str, int]:
    """Resident, and the most that ever was, of the process that serves."""
    web = next(pid for pid, line in hub.processes().items() if "llmhub.serve" in line)
    lines = Path(f"/proc/{web}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")}


def refuse_all(hub: HubProcess) -> None:
    for path in (CHAT, "/v1/embeddings", "/v1/rerank", AUDIO, SET_KEY):
        for name, body in BODIES.items():
            status, answer = send(hub, path, body, HEADERS.get(name, {}))
            assert 400 <= status < 500, (path, name, status)
            assert json.loads(answer), (path, name)


def test_hostile_bodies_get_a_4xx_and_no_memory(hub: HubProcess) -> None:
    for path in (CHAT, SET_KEY):
        assert send(hub, path, b"{}", {})[0] == 400
    before = memory(hub)["VmRSS"]
    refuse_all(hub)
    for path in (CHAT, SET_KEY):
        status, answer = send(hub, path, spaces(), {})
        assert (status, b"body_too_large" in answer) == (413, True), path
    headers = {"content-type": "multipart/form-data; boundary=b"}
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    status, answer = send(hub, AUDIO, iter([head, *([PIECE] * 120)]), headers)
    assert (status, b"body_too_large" in answer) == (413, True)
    refuse_all(hub)
    assert memory(hub)["VmRSS"] - before < MAX_GROWTH_BYTES


def test_a_length_that_is_not_true_or_doubtful_is_refused(hub: HubProcess) -> None:
    lines = {
        "twice": b"Content-Length: 5\r\nContent-Length: 6\r\n",
        "negative": b"Content-Length: -1\r\n",
        "no number": b"Content-Length: five\r\n",
        "huge": b"Content-Length: 99999999999999999999999\r\n",
        "both": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    }
    token = hub.hub["demo"]["token"].encode()
    for name, line in lines.items():
        for path in (CHAT.encode(), SET_KEY.encode()):
            with socket.create_connection(("127.0.0.1", hub.port), timeout=20) as peer:
                head = b"POST " + path + b" HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer " + token
                peer.sendall(head + b"\r\n" + line + b"\r\n{}   ")
                peer.shutdown(socket.SHUT_WR)
                answer = peer.recv(100)
            assert answer.startswith((b"HTTP/1.1 4", b"")), name
            assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 5")), (name, answer)
