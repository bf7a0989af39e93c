"""Streams cut at every byte, read by each protocol for callers of each dialect: promise 11."""

import json
import re
from collections.abc import Iterator, Sequence

import pytest

from providers.protocols.anthropic import Anthropic
from providers.protocols.dialects.exchange import exchange_stream
from providers.protocols.failures import ProviderError
from providers.protocols.openai import OpenAI
from providers.protocols.registry import PROTOCOLS
from providers.protocols.wire import Dialect, StreamReader, Target, WireProtocol
from tests.gateway import anthropic_peer as claude
from tests.provider_server import stream_chunks
from tests.providers.protocols import test_exchanges

RESPONSES = Target("https://x.test/v1", dialects=frozenset({Dialect.RESPONSES}))
TARGET = Target("https://x.test/v1")
ENDS = {
    Dialect.CHAT: b"data: [DONE]\n\n",
    Dialect.COMPLETIONS: b"data: [DONE]\n\n",
    Dialect.RESPONSES: b"event: response.completed\n",
    Dialect.MESSAGES: b"event: message_stop\n",
}


def response_events() -> list[bytes]:
    response = {"id": "r", "output": [], "usage": {"input_tokens": 3, "output_tokens": 2}}
    created = claude.event("response.created", sequence_number=0, response=response)
    delta = claude.event("response.output_text.delta", sequence_number=1, delta="Hi there")
    return [created, delta, claude.event("response.completed", response=response)]


def recorded(name: str) -> list[bytes]:
    exchange = next(each for each in test_exchanges.ALL if each.name == name)
    return [test_exchanges.stream_of(test_exchanges.protocol_of(exchange), exchange)]


CHAT_EVENTS = stream_chunks(has_usage=True)
TEXT_EVENTS = [event.replace(b'"delta": {}', b'"text": ""') for event in CHAT_EVENTS]
CLAUDE_EVENTS = claude.stream(claude.THINKING, claude.TEXT, claude.CALL, reason="tool_use")
RECORDED = {
    "ark": "stream",
    "cohere": "stream_tools",
    "minimax": "stream",
    "mistral": "stream",
    "ollama": "stream",
    "qianfan": "stream",
    "xunfei-spark": "stream",
}
PAIRS: list[tuple[WireProtocol, Target, Dialect, Sequence[bytes]]] = [
    *((OpenAI(), TARGET, dialect, CHAT_EVENTS) for dialect in Dialect),
    (OpenAI(), RESPONSES, Dialect.RESPONSES, response_events()),
    *((Anthropic(), TARGET, dialect, CLAUDE_EVENTS) for dialect in Dialect),
    *(
        (PROTOCOLS[name], TARGET, dialect, recorded(f"{name}/{stream}"))
        for name, stream in RECORDED.items()
        for dialect in Dialect
    ),
]
pairs = pytest.mark.parametrize(
    ("protocol", "target", "dialect", "events"),
    PAIRS,
    ids=[f"{p.name}-{d}{'-spoken' if t.dialects else ''}" for p, t, d, _ in PAIRS],
)


def read(reader: StreamReader, pieces: Iterator[bytes]) -> bytes:
    """All that a caller gets, as gateway/relay.py gives it."""
    told = b""
    try:
        for piece in pieces:
            told += reader.feed(piece)
            if reader.failure is not None:
                raise ProviderError(reader.failure)
        return told + reader.finish()
    except ProviderError as error:
        return told + reader.error_event(error.failure)


def cut(whole: bytes, size: int) -> Iterator[bytes]:
    return (whole[start : start + size] for start in range(0, len(whole), size))


@pairs
def test_a_whole_stream_has_its_end_and_the_same_however_it_comes(
    protocol: WireProtocol, target: Target, dialect: Dialect, events: Sequence[bytes]
) -> None:
    whole = b"".join(events)
    told = {
        size: read(exchange_stream(protocol, dialect, target, {}), cut(whole, size))
        for size in (1, 7, 64, len(whole))
    }
    plain = {size: _without_moments(text) for size, text in told.items()}
    assert len(set(plain.values())) == 1
    assert told[1].count(ENDS[dialect]) == 1
    assert b"error" not in told[1].replace(b'"error":null', b"")


@pairs
def test_a_cut_stream_ends_with_one_error_and_never_with_the_end(
    protocol: WireProtocol, target: Target, dialect: Dialect, events: Sequence[bytes]
) -> None:
    whole = b"".join(events)
    complete_at = _complete_at(protocol, dialect, target, whole)
    assert complete_at > len(whole) / 3
    for place in range(complete_at):
        reader = exchange_stream(protocol, dialect, target, {})
        told = read(reader, iter([whole[:place]]))
        assert ENDS[dialect] not in told, place
        last = told.strip().split(b"\n\n")[-1]
        assert _is_error(dialect, last), (place, last)
        assert sum(_is_error(dialect, event) for event in told.split(b"\n\n")) == 1
        assert not reader.is_done


@pairs
def test_past_the_answers_end_nothing_is_lost(
    protocol: WireProtocol, target: Target, dialect: Dialect, events: Sequence[bytes]
) -> None:
    """After the event that says why the answer ended only marks follow, and usage: a cut there is
    either noticed or harmless."""
    whole = b"".join(events)
    for place in range(_complete_at(protocol, dialect, target, whole), len(whole)):
        told = read(exchange_stream(protocol, dialect, target, {}), iter([whole[:place]]))
        ended, failed = ENDS[dialect] in told, _is_error(dialect, told.strip().split(b"\n\n")[-1])
        assert ended is not failed, place


def _complete_at(protocol: WireProtocol, dialect: Dialect, target: Target, whole: bytes) -> int:
    """The first place after which the reader knows that the answer is complete."""
    reader = exchange_stream(protocol, dialect, target, {})
    for place in range(len(whole)):
        reader.feed(whole[place : place + 1])
        if reader.is_done:
            # The blank line may be left out at the end of a stream, as the standard's text has it.
            return len(whole[: place + 1].rstrip(b"\n"))
    raise AssertionError("the stream is never complete")


def _is_error(dialect: Dialect, event: bytes) -> bool:
    lines = [line for line in event.split(b"\n") if line.startswith(b"data: ")]
    if not lines or lines[-1] == b"data: [DONE]":
        return False
    content = json.loads(lines[-1][6:])
    if dialect is Dialect.MESSAGES:
        return bool(content.get("type") == "error" and content["error"]["message"])
    if dialect is Dialect.RESPONSES:
        is_failed = content.get("type") == "response.failed"
        return is_failed and bool(content["response"]["error"]["message"])
    return bool(content.get("error") and content["error"]["message"])


def _without_moments(text: bytes) -> bytes:
    """Nor ids that were made up for a provider that gives none."""
    text = re.sub(rb"\b[a-z]+[-_][0-9a-f]{24}", b"", text)
    return re.sub(rb'"created(_at)?":\d+', b"", text)
