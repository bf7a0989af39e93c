"""Audio on its way: in which order a form comes, and who stops in the middle."""

import socket
from collections.abc import Iterator

import pytest

from gateway import caller, uploads
from gateway.uploads import MEMORY_BYTES, Upload
from llmhub.base.model_types import ModelType
from tenants.models import Tenant
from tests.committed_people import EVERY_MODEL, Person, committed_tenant, person_of
from tests.gateway.raw_http import Answer, request
from tests.gateway.server import RunningGateway
from tests.provider_server import ProviderServer, Reply
from tests.waiting import wait_until

PATH = "/v1/audio/transcriptions"
FORM = {"content-type": "multipart/form-data; boundary=b"}
AUDIO = bytes(range(256)) * 16 * 256  # a megabyte


@pytest.fixture(scope="module")
def tenant(committed: None) -> Iterator[Tenant]:
    with committed_tenant("alice") as made:
        yield made


@pytest.fixture
def alice(tenant: Tenant, provider: ProviderServer) -> Iterator[Person]:
    with person_of(tenant) as person:
        person.connect(provider.url, models=EVERY_MODEL)
        yield person
    assert Upload.kept_bytes == 0


def field(name: str, value: str) -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def file(content: bytes = AUDIO, name: str = "a.mp3") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = b"--b--\r\n"
MODEL = field("model", "whisper-1")


def upload(gateway: RunningGateway, person: Person, *parts: bytes, is_chunked: bool) -> Answer:
    raw = iter(parts) if is_chunked else b"".join(parts)
    return request(gateway, "POST", PATH, token=person.token, raw=raw, headers=FORM)


@pytest.mark.parametrize("is_chunked", [True, False])
@pytest.mark.parametrize(
    "parts",
    [
        (MODEL, field("language", "de"), file(), END),
        (file(), MODEL, field("language", "de"), END),
        (MODEL, file(), field("language", "de"), END),
        (field("language", "de"), file(), MODEL, END),
    ],
    ids=["file last", "file first", "field after the file", "model last"],
)
def test_the_fields_may_come_in_any_order(
    gateway: RunningGateway,
    alice: Person,
    provider: ProviderServer,
    parts: tuple[bytes, ...],
    is_chunked: bool,
) -> None:
    assert len(AUDIO) > MEMORY_BYTES
    answer = upload(gateway, alice, *parts, is_chunked=is_chunked)
    assert answer.json["text"] == "hello"
    [seen] = provider.requests_to(PATH)
    assert seen.body.count(AUDIO) == 1
    assert seen.body.count(b'name="model"\r\n\r\nwhisper-1\r\n') == 1
    assert seen.body.count(b'name="language"\r\n\r\nde\r\n') == 1


def test_lists_pass(gateway: RunningGateway, alice: Person, provider: ProviderServer) -> None:
    kinds = field("include[]", "logprobs") + field("include[]", "other")
    assert upload(gateway, alice, MODEL, kinds, file(), END, is_chunked=False).status == 200
    assert provider.seen[-1].body.count(b'name="include[]"') == 2


def test_the_provider_hears_the_beginning_before_the_end_is_sent(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    body = MODEL + file() + END
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as caller_socket:
        head = _head(alice, len(body))
        caller_socket.sendall(head + body[:500_000])
        wait_until(lambda: provider.begun.count(PATH) == 1)
        caller_socket.sendall(body[500_000:])
        assert caller_socket.recv(12) == b"HTTP/1.1 200"
    assert AUDIO in provider.requests_to(PATH)[0].body


def test_a_second_provider_gets_the_same_audio(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    alice.connect(
        provider.url, name="second", models=[m for m in EVERY_MODEL if m.llm_name == "whisper-1"]
    )
    provider.script(PATH, Reply(status=503, body={"error": {"message": "overloaded"}}))
    answer = upload(gateway, alice, MODEL, file(), END, is_chunked=True)
    assert answer.headers["x-llmhub-model"] == "whisper-1@second@Scripted"
    assert AUDIO in provider.requests_to(PATH)[-1].body
    failed, billed = alice.ledger()
    assert (failed.error_kind, billed.error_kind) == ("overloaded", "")


def test_the_default_model_answers_a_form_that_names_none(
    gateway: RunningGateway, alice: Person
) -> None:
    answer = upload(gateway, alice, file(), END, is_chunked=False)
    assert (answer.status, answer.code) == (404, "model_not_found")


def test_a_caller_who_stalls_within_an_upload_is_told(
    gateway: RunningGateway, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "RECEIVE_S", 0.3)
    body = MODEL + file() + END
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as stalled:
        stalled.sendall(_head(alice, len(body)) + body[:300_000])
        answer = b"".join(iter(lambda: stalled.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request_timeout" in answer
    assert b"connection: close" in answer
    [event] = alice.ledger()
    assert (event.input_tokens, event.is_estimated) == (0, False)
    assert event.error_kind


def test_a_caller_who_goes_away_within_an_upload_costs_nothing(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    body = MODEL + file() + END
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as leaving:
        leaving.sendall(_head(alice, len(body)) + body[:300_000])
        wait_until(lambda: provider.begun.count(PATH) == 1)
    wait_until(lambda: len(alice.ledger()) == 1)
    [event] = alice.ledger()
    assert (event.error_kind, event.model_type) == ("caller_gone", ModelType.SPEECH2TEXT)
    assert not event.is_estimated


def test_a_body_that_stops_is_not_waited_for(
    gateway: RunningGateway, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "RECEIVE_S", 0.3)
    for lying_length in (10, 10_000):
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as stalled:
            stalled.sendall(_head(alice, lying_length, "/v1/chat/completions") + b'{"a')
            answer = b"".join(iter(lambda: stalled.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 408")


def test_a_caller_who_does_not_read_is_let_go(
    gateway: RunningGateway,
    alice: Person,
    provider: ProviderServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caller, "WRITE_S", 0.3)
    chunks = [b"\xff" + b"\0" * 2**20] * 40
    provider.script(
        "/v1/audio/speech", Reply(chunks=chunks, headers={"content-type": "audio/mpeg"})
    )
    body = b'{"model": "tts-1", "input": "Hi"}'
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = _head(alice, len(body), "/v1/audio/speech", "application/json")
        deaf.sendall(head + body)
        wait_until(lambda: len(alice.ledger()) == 1)
        received = b"".join(iter(lambda: deaf.recv(2**20), b""))
    assert len(received) < len(chunks) * 2**20
    assert not received.endswith(b"0\r\n\r\n")
    [event] = alice.ledger()
    assert event.error_kind == "caller_gone"


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ((MODEL, END), "missing_required_parameter"),
        ((MODEL, file()), "invalid_form"),
        ((MODEL, MODEL, file(), END), "duplicate"),
        ((MODEL, file(), file(), END), "duplicate"),
        ((MODEL, field("api_base", "http://169.254.169.254"), file(), END), "invalid_request"),
        ((MODEL, file(), field("base_url", "http://169.254.169.254"), END), "invalid_request"),
        ((MODEL, field("prompt", "x" * 300_000), file(), END), "invalid_request"),
        ((MODEL, file(name=""), END), "invalid_form"),
        ((b"--b\r\n" * 5000, END), "invalid_form"),
        ((field("x", "") * 5000, END), "invalid_form"),
        ((MODEL, field("stream", "perhaps"), file(), END), "invalid_request"),
    ],
    ids=range(11),
)
def test_forms_that_make_no_sense_are_refused(
    gateway: RunningGateway, alice: Person, parts: tuple[bytes, ...], code: str
) -> None:
    answer = upload(gateway, alice, *parts, is_chunked=False)
    assert (answer.status, answer.code) == (400, code)
    assert answer.headers["x-request-id"]


def test_an_upload_that_is_too_large_is_refused(
    gateway: RunningGateway, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 2**19)
    for is_chunked in (True, False):
        answer = upload(gateway, alice, MODEL, file(), END, is_chunked=is_chunked)
        assert (answer.status, answer.code) == (413, "body_too_large")


def test_uploads_together_are_bounded(
    gateway: RunningGateway, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_KEPT_BYTES", 2**19)
    answer = upload(gateway, alice, MODEL, file(), END, is_chunked=True)
    assert answer.status == 503
    assert answer.headers["retry-after"]


def _head(person: Person, length: int, path: str = PATH, kind: str = FORM["content-type"]) -> bytes:
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: hub",
        f"Authorization: Bearer {person.token}",
        f"Content-Type: {kind}",
        f"Content-Length: {length}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
