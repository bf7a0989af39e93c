import asyncio
import os
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from llmhub.base.errors import InvalidRequest
from llmhub.base.secret import Secret
from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.wire import ProviderRequest
from providers.transport import Deadlines, Transport
from tests.provider_server import ProviderServer, Reply, raw_server
from tests.providers.calls import LOOPBACK, PATH, SOON, chat_request, exchange, failure_of


async def test_a_request_arrives_as_it_was_made(
    provider: ProviderServer, transport: Transport
) -> None:
    provider.script(PATH, Reply(201, b"made", {"x-note": "1"}))
    request = chat_request(provider, b'{"a": 1}', authorization=Secret("Bearer sk-canary"))
    async with await transport.send(request) as response:
        assert response.status == 201
        assert response.headers["x-note"] == "1"
        assert await response.read() == b"made"
    (seen,) = provider.seen
    assert (seen.method, seen.path, seen.body) == ("POST", PATH, b'{"a": 1}')
    assert seen.headers["authorization"] == "Bearer sk-canary"
    assert seen.headers["accept-encoding"] == "identity"
    assert "aiohttp" not in seen.headers["user-agent"]
    assert "cookie" not in seen.headers


async def test_an_error_status_is_a_reply_like_any_other(
    provider: ProviderServer, transport: Transport
) -> None:
    provider.script(PATH, Reply(503, b"busy"))
    async with await transport.send(chat_request(provider)) as response:
        assert (response.status, await response.read()) == (503, b"busy")


async def test_a_big_body_arrives_whole(provider: ProviderServer, transport: Transport) -> None:
    body = bytes(range(256)) * 20_000
    await exchange(transport, chat_request(provider, body))
    assert provider.seen[0].body == body


async def test_connections_are_used_again(transport: Transport) -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with raw_server(serve) as url:
        for _ in range(5):
            assert await exchange(transport, ProviderRequest("GET", url)) == b"ok"
    assert connections == 1


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\r\nX-Injected: 1"])
async def test_a_line_break_in_a_header_is_refused(
    provider: ProviderServer, transport: Transport, character: str
) -> None:
    for headers in (
        {"x": Secret(f"a{character}b")},
        {"x": f"a{character}"},
        {f"x{character}": "a"},
    ):
        with pytest.raises(InvalidRequest) as caught:
            await transport.send(ProviderRequest("POST", provider.url, headers))
        assert caught.value.http_status == 400
    with pytest.raises(InvalidRequest):
        await transport.send(ProviderRequest("GET", provider.url + character))
    assert provider.seen == []


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "file:///etc/passwd", "ws://127.0.0.1", "", "//x"]
)
async def test_only_http_is_spoken(transport: Transport, url: str) -> None:
    with pytest.raises(InvalidRequest):
        await transport.send(ProviderRequest("GET", url))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(
    provider: ProviderServer, transport: Transport, status: int
) -> None:
    provider.script(PATH, Reply(status, headers={"location": provider.url + "/models"}))
    async with await transport.send(chat_request(provider)) as response:
        assert response.status == status
    assert len(provider.seen) == 1


async def test_proxies_of_the_environment_are_not_used(
    provider: ProviderServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await exchange(transport, chat_request(provider))


async def test_no_listener_is_unreachable(transport: Transport) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        failure = await failure_of(transport.send(ProviderRequest("GET", url)))
    assert failure.kind is FailureKind.UNREACHABLE
    assert "refused" in failure.message


async def test_a_host_without_address_is_unreachable(transport: Transport) -> None:
    failure = await failure_of(transport.send(ProviderRequest("GET", "http://nowhere.invalid/v1")))
    assert failure.kind is FailureKind.UNREACHABLE
    assert "nowhere.invalid is not known" in failure.message


async def test_a_connection_that_nobody_takes_has_a_deadline(transport: Transport) -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        request = ProviderRequest("GET", f"http://127.0.0.1:{full.getsockname()[1]}/v1")
        failure = await failure_of(transport.send(request, deadlines=Deadlines(connect_s=SOON)))
    assert failure.kind is FailureKind.UNREACHABLE
    assert "No connection to 127.0.0.1 within 0.05 s" in failure.message


async def test_headers_that_never_come_have_a_deadline(
    provider: ProviderServer, transport: Transport
) -> None:
    provider.script(PATH, Reply(hang=True))
    failure = await failure_of(exchange(transport, chat_request(provider), first_byte_s=SOON))
    assert failure.kind is FailureKind.TIMEOUT
    assert "No answer from 127.0.0.1 within 0.05 s" in failure.message


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0


async def test_every_end_leaves_no_task_and_no_socket_behind() -> None:
    tasks, files = asyncio.all_tasks(), _open_files()
    async with ProviderServer() as provider, Transport(LOOPBACK) as transport:
        cut, hang = Reply(chunks=[b"x"], ending="cut"), Reply(chunks=[b"x"], ending="hang")
        provider.script(PATH, cut, hang, Reply(hang=True))
        await failure_of(exchange(transport, chat_request(provider)))
        await failure_of(exchange(transport, chat_request(provider), idle_s=SOON))
        await failure_of(exchange(transport, chat_request(provider), first_byte_s=SOON))
        await exchange(transport, chat_request(provider))
    left = asyncio.all_tasks() - tasks
    if left:
        await asyncio.wait(left, timeout=5)
    assert asyncio.all_tasks() == tasks
    assert _open_files() <= files


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-server\r\n", b"HTTP/1.1 OK\r\n\r\n"])
async def test_what_is_not_http_is_said_to_be_none(transport: Transport, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    async with raw_server(serve) as url:
        failure = await failure_of(exchange(transport, ProviderRequest("GET", url)))
    assert failure.kind in (FailureKind.UNREACHABLE, FailureKind.BAD_REPLY)
    assert failure.http_status is None


async def test_a_header_of_any_size_does_not_fill_the_memory(transport: Transport) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1_000_000 + b"\r\n\r\n")

    async with raw_server(serve) as url:
        failure = await failure_of(exchange(transport, ProviderRequest("GET", url)))
    assert failure.kind is FailureKind.BAD_REPLY


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "provider")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


async def test_a_certificate_that_nobody_signed_is_refused(
    transport: Transport, tmp_path: Path
) -> None:
    async with ProviderServer(tls=_self_signed(tmp_path)) as provider:
        failure = await failure_of(transport.send(chat_request(provider, authorization="Bearer x")))
        assert failure.kind is FailureKind.UNREACHABLE
        assert "certificate" in failure.message
        assert provider.seen == []


async def test_a_failure_holds_neither_the_key_nor_a_way_to_it(transport: Transport) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"nonsense\r\n\r\n")

    async with raw_server(serve) as url:
        request = ProviderRequest("GET", url, {"authorization": Secret("Bearer sk-canary")})
        with pytest.raises(ProviderError) as caught:
            await transport.send(request)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "canary" not in repr(caught.value) + str(caught.value)


async def test_a_transport_that_is_not_open_sends_nothing() -> None:
    with pytest.raises(RuntimeError):
        await Transport(LOOPBACK).send(ProviderRequest("GET", "http://127.0.0.1/"))
