"""Anthropic's streams, passed on and as chunks."""

from typing import Any

import pytest

from providers.protocols.anthropic import Anthropic
from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.usage import Usage
from providers.protocols.wire import Dialect
from tests.gateway import anthropic_peer as peer

CLAUDE = Anthropic()
END = peer.event("message_stop", novelty={"a": 1})
EVENTS = [
    *peer.stream(peer.THINKING, peer.TEXT, peer.CALL, reason="tool_use")[:-1],
    b": still here\n\n",
    peer.event("novelty", x=1),
    END,
]
WHOLE = b"".join(EVENTS)


@pytest.mark.parametrize("size", [1, 13, len(WHOLE)])
def test_every_event_passes_as_it_came(size: int) -> None:
    reader = CLAUDE.stream_reader(Dialect.MESSAGES, hide_usage=True)
    pieces = [WHOLE[start : start + size] for start in range(0, len(WHOLE), size)]
    told = b"".join(map(reader.feed, pieces))
    assert told == WHOLE.removesuffix(END)
    assert reader.has_end_marker
    assert reader.finish() == END
    assert reader.usage == Usage(3210, 12, 3000, 4, 200)
    assert reader.output_text == 'Paris, I think.Let me look.weather{"city": "Paris"}'


def test_thinking_comes_in_bits_and_signed_at_its_end() -> None:
    reader = CLAUDE.chunk_reader()
    chunks = [*reader.feed(WHOLE), *reader.finish()]
    deltas: list[dict[str, Any]] = [c["choices"][0]["delta"] for c in chunks if c["choices"]]
    thought = "".join(delta.get("reasoning_content", "") for delta in deltas)
    assert thought == peer.THINKING["thinking"]
    [signed] = [delta["thinking_blocks"] for delta in deltas if "thinking_blocks" in delta]
    assert signed == [peer.THINKING]
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["prompt_tokens"] == 3210
    assert len({chunk["id"] for chunk in chunks}) == 1


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b"data: nonsense\n\n", FailureKind.BAD_REPLY),
        (b"data: [1]\n\n", FailureKind.BAD_REPLY),
        (b'event: error\ndata: {"error": {"message": "x"}}\n\n', FailureKind.BAD_REPLY),
        (
            peer.event("error", error={"type": "rate_limit_error", "message": "slow"}),
            FailureKind.RATE_LIMITED,
        ),
        (peer.event("message_stop"), FailureKind.BAD_REPLY),
    ],
    ids=str,
)
def test_what_is_no_event_or_no_end_is_a_failure(bad: bytes, kind: FailureKind) -> None:
    for reader in (CLAUDE.stream_reader(Dialect.MESSAGES, hide_usage=False), CLAUDE.chunk_reader()):
        reader.feed(EVENTS[0])
        assert not reader.feed(bad + EVENTS[3])
        assert reader.failure is not None
        assert reader.failure.kind is kind
        with pytest.raises(ProviderError):
            reader.finish()


def test_an_end_that_a_server_leaves_out_is_added() -> None:
    reader = CLAUDE.stream_reader(Dialect.MESSAGES, hide_usage=False)
    reader.feed(b"".join(peer.stream()[:-1]).rstrip())
    assert reader.finish().endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
