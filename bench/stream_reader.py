"""What the reader of OpenAI's streams costs for each event that passes through it.

One event comes in each chunk, as from a provider that sends a token at a time. The best of several
rounds, in microseconds: anything above it is the machine's other work.
"""

import time
from collections.abc import Iterable

import orjson

from providers.protocols.openai import OpenAIStreamReader

EVENTS = 5_000
ROUNDS = 7


def run() -> dict[str, float]:
    made = chunks()
    return {
        "events": EVENTS,
        "bytes in an event": len(made[0]),
        "usage hidden from the caller, us an event": _best_us(made, hide_usage=True),
        "usage passed on, us an event": _best_us(made, hide_usage=False),
    }


def _best_us(chunks: Iterable[bytes], *, hide_usage: bool) -> float:
    rounds = (_seconds(chunks, hide_usage) for _ in range(ROUNDS))
    return round(min(rounds) / EVENTS * 1_000_000, 2)


def _seconds(chunks: Iterable[bytes], hide_usage: bool) -> float:
    reader = OpenAIStreamReader(hide_usage=hide_usage)
    started = time.perf_counter()
    for chunk in chunks:
        reader.feed(chunk)
    reader.finish()
    return time.perf_counter() - started


def chunks() -> list[bytes]:
    words = [_event({"content": f" word{number % 100}"}) for number in range(EVENTS - 2)]
    usage = {"prompt_tokens": 9, "completion_tokens": EVENTS, "total_tokens": EVENTS + 9}
    return [
        *words,
        _event({}, finish_reason="stop"),
        _event(None, usage=usage) + b"data: [DONE]\n\n",
    ]


def _event(
    delta: dict[str, str] | None, *, finish_reason: str | None = None, usage: object = None
) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    content = {
        "id": "chatcmpl-0123456789abcdefghijklmnopqrs",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "a-model-with-a-name",
        "system_fingerprint": "fp_0123456789",
        "choices": [] if delta is None else [choice],
        "usage": usage,
    }
    return b"data: " + orjson.dumps(content) + b"\n\n"
