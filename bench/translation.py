"""What a provider of another protocol costs for each call and each event, against passing it on.

The same answer of one word an event, in each provider's own format; and the same request of a
conversation with a tool. The CPU of the process, the best of several rounds, in microseconds.
"""

import json
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from zlib import crc32

import orjson

from bench.stream_reader import EVENTS, ROUNDS
from bench.stream_reader import chunks as chunks_of_openai
from llmhub.base.secret import Secret
from providers.protocols.dialects.exchange import exchange_request, exchange_stream
from providers.protocols.registry import PROTOCOLS
from providers.protocols.wire import Dialect, Target

REQUESTS = 2_000

_ASKED = {"model": "m", "messages": [], "stream": True, "stream_options": {"include_usage": True}}
_PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
_WEATHER = {"name": "get_weather", "description": "The weather", "parameters": _PARAMETERS}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
_CONVERSATION = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "You are a helpful assistant. " * 20},
        {"role": "user", "content": "What is the weather in Oslo? " * 20},
        {"role": "assistant", "content": None, "tool_calls": [_CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Sunny, 21 degrees."},
    ],
    "tools": [{"type": "function", "function": _WEATHER}],
    "temperature": 0.5,
    "max_tokens": 1000,
    "stream": True,
}
_AWS = {"bedrock_ak": "AKIDEXAMPLE", "bedrock_sk": Secret("secret"), "bedrock_region": "us-east-1"}
_GOOGLE = {
    "google_project_id": "my-project-123",
    "google_region": "us-central1",
    "access_token": Secret("token"),
}
_TARGETS = {
    "openai": Target("https://api.example.com/v1", {"api_key": Secret("key")}),
    "azure-openai": Target("https://a.example.com", {"api_key": Secret("k"), "api_version": "v1"}),
    "gemini": Target("https://g.example.com/v1beta", {"api_key": Secret("key")}),
    "vertex": Target("", _GOOGLE),
    "bedrock": Target("", _AWS),
}


def run() -> dict[str, float | str]:
    found: dict[str, float | str] = {"events": EVENTS, "requests": REQUESTS}
    streams = {
        "openai": chunks_of_openai(),
        "gemini": _of_gemini(),
        "bedrock": _of_bedrock(),
    }
    _compare(found, "an event", {name: _stream(name, each) for name, each in streams.items()})
    _compare(found, "a request", {name: _requests(name) for name in _TARGETS})
    return found


def _compare(
    found: dict[str, float | str], unit: str, each: Mapping[str, Callable[[], float]]
) -> None:
    best = {name: min(measured() for _ in range(ROUNDS)) for name, measured in each.items()}
    for name, cost in best.items():
        found[f"{name}, us {unit}"] = round(cost, 2)
        if name != "openai":
            found[f"{name}, times passing on {unit}"] = round(cost / best["openai"], 2)


def _stream(name: str, chunks: Iterable[bytes]) -> Callable[[], float]:
    def measured() -> float:
        reader = exchange_stream(PROTOCOLS[name], Dialect.CHAT, _TARGETS[name], _ASKED)
        started = time.process_time()
        for chunk in chunks:
            reader.feed(chunk)
        reader.finish()
        return (time.process_time() - started) / EVENTS * 1_000_000

    return measured


def _requests(name: str) -> Callable[[], float]:
    def measured() -> float:
        protocol, target = PROTOCOLS[name], _TARGETS[name]
        started = time.process_time()
        for _ in range(REQUESTS):
            exchange_request(protocol, Dialect.CHAT, target, _CONVERSATION, model="some-model")
        return (time.process_time() - started) / REQUESTS * 1_000_000

    return measured


def _words() -> list[str]:
    return [f" word{number % 100}" for number in range(EVENTS - 1)]


def _of_gemini() -> list[bytes]:
    events = [_gemini(word, number) for number, word in enumerate(_words())]
    return [*events, _gemini("", EVENTS, finishReason="STOP")]


def _gemini(word: str, number: int, **more: Any) -> bytes:
    content = {"parts": [{"text": word}], "role": "model"}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": number, "totalTokenCount": number + 9}
    reply = {
        "candidates": [{"content": content, "index": 0, **more}],
        "usageMetadata": usage,
        "modelVersion": "a-model-with-a-name",
        "responseId": "0123456789abcdefghijklmnopqrs",
    }
    return b"data: " + orjson.dumps(reply) + b"\r\n\r\n"


def _of_bedrock() -> list[bytes]:
    usage = {"inputTokens": 9, "outputTokens": EVENTS, "totalTokens": EVENTS + 9}
    words = [
        _event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}, "p": "abcde"})
        for word in _words()
    ]
    stop = _event("messageStop", {"stopReason": "end_turn"})
    return [*words, stop, _event("metadata", {"usage": usage, "metrics": {"latencyMs": 1}})]


def _event(kind: str, content: Any) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    packed = b"".join(
        struct.pack(">B", len(name))
        + name.encode()
        + struct.pack(">BH", 7, len(value))
        + value.encode()
        for name, value in headers.items()
    )
    payload = json.dumps(content).encode()
    lengths = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    data = lengths + struct.pack(">I", crc32(lengths)) + packed + payload
    return data + struct.pack(">I", crc32(data))
