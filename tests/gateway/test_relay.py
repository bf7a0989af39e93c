"""From the provider to the caller, byte by byte: promise 11."""

import json

import pytest

from tests.committed_people import Person
from tests.gateway.raw_http import CHAT, chat
from tests.gateway.server import RunningGateway
from tests.provider_server import SSE, WORDS, ProviderServer, Reply, chat_body, stream_chunks

WHOLE = b"".join(stream_chunks(has_usage=True))
EVENTS = {"content-type": SSE}


def test_a_plain_reply_passes_untouched(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    body = json.dumps({**chat_body("m"), "x_unknown": [1.50, "é"]}, indent=3).encode()
    hop = {"connection": "x-hop", "x-hop": "1", "set-cookie": "a=b", "openai-organization": "org"}
    provider.script(CHAT, Reply(body=body, headers={"content-type": "application/json", **hop}))
    answer = chat(gateway, alice.token)
    assert answer.body == body
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-llmhub-model"] == "test-chat@default@Scripted"
    assert not {"x-hop", "set-cookie", "openai-organization"} & answer.headers.keys()


def test_a_stream_passes_untouched_however_it_was_cut(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    for size in (1, 7, 100, len(WHOLE)):
        pieces = [WHOLE[i : i + size] for i in range(0, len(WHOLE), size)]
        provider.script(CHAT, Reply(headers=EVENTS, chunks=pieces))
        answer = chat(gateway, alice.token, stream=True, stream_options={"include_usage": True})
        assert answer.body == WHOLE
        assert answer.headers["content-type"].startswith(SSE)
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["x-accel-buffering"] == "no"
    assert {event.output_tokens for event in alice.ledger()} == {len(WORDS)}


FIRST_EVENT = WHOLE.index(b"\n\n") + 2
LAST_EVENTS = WHOLE.index(b'"finish_reason": "stop"')
CUTS = [*range(1, FIRST_EVENT, 37), *range(FIRST_EVENT, LAST_EVENTS, 61)]


@pytest.mark.parametrize("ending", ["cut", "end"])
def test_a_stream_that_was_cut_never_looks_complete(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, ending: str
) -> None:
    for cut in CUTS:
        provider.script(CHAT, Reply(headers=EVENTS, chunks=[WHOLE[:cut]], ending=ending))
        answer = chat(gateway, alice.token, stream=True)
        assert b"[DONE]" not in answer.body
        if cut < FIRST_EVENT:
            assert answer.status == 502
            assert answer.code in ("provider_unreachable", "provider_bad_reply")
            continue
        events = answer.body.decode().strip().split("\n\n")
        failed = [event for event in events if '"error"' in event]
        assert failed == events[-1:]
        assert json.loads(failed[0].removeprefix("data: "))["error"]["message"]
    billed = [event for event in alice.ledger() if event.first_byte_ms is not None]
    assert len(billed) == len([cut for cut in CUTS if cut >= FIRST_EVENT])
    for event in billed:
        assert event.is_estimated
        assert event.error_kind
        assert event.input_tokens > 0
        assert event.output_tokens > 0


def test_a_stream_that_lost_its_end_marker_is_still_complete(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    whole = WHOLE.removesuffix(b"data: [DONE]\n\n")
    provider.script(CHAT, Reply(headers=EVENTS, chunks=[whole]))
    answer = chat(gateway, alice.token, stream=True)
    assert answer.body.endswith(b"data: [DONE]\n\n")
    [event] = alice.ledger()
    assert (event.output_tokens, event.is_estimated) == (len(WORDS), False)


def test_an_error_inside_a_stream_ends_it(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    chunks = stream_chunks(has_usage=True)
    broken = [*chunks[:2], b'data: {"error": {"message": "overloaded"}}\n\n']
    provider.script(CHAT, Reply(headers=EVENTS, chunks=broken))
    answer = chat(gateway, alice.token, stream=True)
    assert answer.body.startswith(b"".join(chunks[:2]))
    assert answer.body.count(b'"error"') == 1
    assert b"[DONE]" not in answer.body
    [event] = alice.ledger()
    assert event.error_kind == "overloaded"
    assert event.output_tokens > 0


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": 10**30, "completion_tokens": 1},
        {"prompt_tokens": "many", "completion_tokens": 1},
        {},
    ],
    ids=str,
)
def test_usage_that_is_missing_or_impossible_is_estimated_and_flagged(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, usage: object
) -> None:
    body = chat_body("m") | {"usage": usage}
    provider.script(CHAT, Reply(body=body))
    assert chat(gateway, alice.token).status == 200
    [event] = alice.ledger()
    assert event.is_estimated
    assert (event.input_tokens, event.output_tokens) == (5, 5)
