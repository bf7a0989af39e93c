"""Nothing that was generated goes unmetered: promises 1, 5 and 13."""

import http.client
import json
from dataclasses import replace

import pytest
from django.conf import settings

from tenants.usage.models import UsageEvent
from tests.committed_people import Person
from tests.gateway.raw_http import CHAT, chat
from tests.gateway.server import RunningGateway, running_gateway
from tests.provider_server import (
    PROMPT_TOKENS,
    SSE,
    WORDS,
    ProviderServer,
    Reply,
    stream_chunks,
)
from tests.waiting import wait_until

CHUNKS = stream_chunks(has_usage=True)
COUNTED_PROMPT = 5
"""Four tokens around the message, and one for its word."""


def drop_after(
    gateway: RunningGateway,
    token: str,
    chunks: int,
    reached: ProviderServer | None = None,
    **asked: object,
) -> int:
    """Call, read so many events of the stream, or wait until the call has reached the provider, and
    go away; gives the bytes that were read."""
    body = {"model": "test-chat", "messages": [{"role": "user", "content": "Hello"}], **asked}
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    headers = {"authorization": f"Bearer {token}"}
    connection.request("POST", CHAT, body=json.dumps(body), headers=headers)
    received = b""
    if chunks:
        reply = connection.getresponse()
        while received.count(b"\n\n") < chunks:
            received += reply.read1()
        reply.close()
    if reached is not None:
        wait_until(lambda: reached.seen, what="the call at the provider")
    connection.close()
    return len(received)


def the_event(person: Person) -> UsageEvent:
    wait_until(lambda: person.ledger(), timeout_s=10, what="the usage of a call")
    [event] = person.ledger()
    return event


@pytest.mark.parametrize("chunks", [1, 3, len(WORDS)])
def test_a_disconnect_is_billed_for_what_was_generated(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, chunks: int
) -> None:
    provider.script(
        CHAT, Reply(headers={"content-type": SSE}, chunks=CHUNKS[:chunks], ending="hang")
    )
    assert drop_after(gateway, alice.token, chunks, stream=True)
    event = the_event(alice)
    assert event.is_estimated
    assert event.error_kind == "caller_gone"
    assert (event.input_tokens, event.output_tokens) == (COUNTED_PROMPT, chunks)
    assert alice.used_tokens()["test-chat"] == COUNTED_PROMPT + chunks


def test_a_disconnect_after_the_usage_chunk_is_billed_as_reported(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    provider.script(CHAT, Reply(headers={"content-type": SSE}, chunks=CHUNKS[:-1], ending="hang"))
    drop_after(
        gateway,
        alice.token,
        len(CHUNKS) - 1,
        stream=True,
        stream_options={"include_usage": True},
    )
    event = the_event(alice)
    assert (event.input_tokens, event.output_tokens) == (PROMPT_TOKENS, len(WORDS))
    assert not event.is_estimated


@pytest.mark.parametrize("stream", [False, True])
def test_a_disconnect_before_the_answer_is_billed_for_the_prompt(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, stream: bool
) -> None:
    provider.script(CHAT, Reply(hang=True))
    drop_after(gateway, alice.token, 0, reached=provider, stream=stream)
    event = the_event(alice)
    assert (event.input_tokens, event.output_tokens) == (COUNTED_PROMPT, 0)
    assert event.is_estimated


def test_the_provider_is_cancelled_when_the_caller_goes_away(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    endless = [CHUNKS[0]] * 100_000
    provider.script(CHAT, Reply(headers={"content-type": SSE}, chunks=endless, pause_s=0.001))
    drop_after(gateway, alice.token, 3, stream=True)
    assert 3 <= the_event(alice).output_tokens < 100_000


def test_fifty_calls_are_fifty_rows_and_exact_sums(gateway: RunningGateway, alice: Person) -> None:
    ids = {chat(gateway, alice.token).headers["x-request-id"] for _ in range(50)}
    events = alice.ledger()
    assert {str(event.request_id) for event in events} == ids
    assert len(events) == len(ids) == 50
    assert alice.used_tokens()["test-chat"] == 50 * (PROMPT_TOKENS + len(WORDS))


def test_without_valkey_usage_goes_straight_into_the_ledger(
    alice: Person, provider: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = replace(settings.HUB, redis_url="redis://127.0.0.1:1/0")
    monkeypatch.setattr(settings, "HUB", nowhere)
    with running_gateway() as gateway:
        for _ in range(3):
            assert chat(gateway, alice.token).status == 200
            assert chat(gateway, alice.token, stream=True).status == 200
    assert alice.used_tokens()["test-chat"] == 6 * (PROMPT_TOKENS + len(WORDS))
