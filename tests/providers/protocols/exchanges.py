"""Recorded exchanges: what a caller asked, what went to the provider, what came back, what it says.

A file in `exchanges/` beside a protocol's tests is one of them, as JSON:

    from      the page of the provider's reference that shows this shape
    model     the model's name with the provider
    asked     the caller's request, in the hub's terms
    sent      what the protocol makes of it: `url` and `body`; `left_out` where there is something
    reply     the provider's whole answer, or `events`: the data of each event of its stream
    answer    the completion that the caller gets, without its id and time; for a stream, what its
              chunks add up to
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers.protocols.wire import ChunkReader, ProviderRequest, Target, WireProtocol


@dataclass(frozen=True)
class Exchange:
    name: str
    content: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.content[name]

    @property
    def is_streamed(self) -> bool:
        return "events" in self.content


def exchanges_of(test_file: str) -> list[Exchange]:
    paths = sorted((Path(test_file).parent / "exchanges").glob("*.json"))
    assert paths, "there are no exchanges here"
    return [Exchange(path.stem, json.loads(path.read_text())) for path in paths]


def request_of(protocol: WireProtocol, target: Target, exchange: Exchange) -> ProviderRequest:
    request = protocol.chat_request(target, exchange.asked, model=exchange.model)
    assert request.method == "POST"
    return request


def plain(completion: dict[str, Any]) -> dict[str, Any]:
    """A completion without what differs from call to call."""
    assert completion["object"] == "chat.completion"
    assert completion["id"]
    assert completion["created"] > 1_700_000_000
    gone = ("id", "object", "created")
    return {name: value for name, value in completion.items() if name not in gone}


def read_all(reader: ChunkReader, body: bytes, size: int = 0) -> list[dict[str, Any]]:
    """Feed a stream in pieces of `size`, or as a whole, and give all its chunks."""
    pieces = [body[i : i + size] for i in range(0, len(body), size)] if size else [body]
    chunks = [chunk for piece in pieces for chunk in reader.feed(piece)]
    return chunks + reader.finish()


def summed(chunks: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What the chunks of a stream add up to, as a completion would say it."""
    choices: dict[int, dict[str, Any]] = {}
    usage, model = None, ""
    for chunk in chunks:
        assert chunk["object"] == "chat.completion.chunk"
        usage, model = chunk["usage"] or usage, chunk["model"]
        for choice in chunk["choices"]:
            _add(choices.setdefault(choice["index"], {"index": choice["index"]}), choice)
    return {"model": model, "choices": [choices[i] for i in sorted(choices)], "usage": usage}


def _add(total: dict[str, Any], choice: dict[str, Any]) -> None:
    delta = choice["delta"]
    if not total.get("message"):
        assert delta.get("role") == "assistant"
        total["message"] = {"role": "assistant", "content": ""}
    message = total["message"]
    for name in ("content", "reasoning_content", "tool_plan"):
        if delta.get(name):
            message[name] = message.get(name, "") + delta[name]
    for block in delta.get("thinking_blocks", ()):
        message.setdefault("thinking_blocks", []).append(block)
    for citation in delta.get("citations", ()):
        message.setdefault("citations", []).append(citation)
    for piece in delta.get("tool_calls", ()):
        _add_call(message.setdefault("tool_calls", []), piece)
    if choice["finish_reason"] is not None:
        assert "finish_reason" not in total
        total["finish_reason"] = choice["finish_reason"]


def _add_call(calls: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    piece = dict(piece)
    index = piece.pop("index")
    if index == len(calls):
        calls.append({**piece, "function": dict(piece["function"])})
        return
    calls[index]["function"]["arguments"] += piece["function"]["arguments"]
