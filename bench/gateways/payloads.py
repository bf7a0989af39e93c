"""The bytes that are exchanged: a chat call of 1 KB, an answer of 1 KB, a stream of 100 chunks."""

import json
from collections.abc import Mapping
from functools import cache

REQUEST_BYTES = 1024
REPLY_BYTES = 1024
CHUNKS = 100
_WORDS = "The quick brown fox jumps over the lazy dog and runs away into the wood. "
_USAGE = {"prompt_tokens": 210, "completion_tokens": CHUNKS, "total_tokens": 210 + CHUNKS}


def pace_marker(pace_us: int) -> str:
    """Within the prompt, which every gateway passes on as it is: so long between two chunks."""
    return f"pace={pace_us}us"


def chat_call(
    *, host: str, path: str, model: str, headers: Mapping[str, str], stream: bool, pace_us: int = 0
) -> bytes:
    """A whole HTTP request; its body has REQUEST_BYTES."""
    body: dict[str, object] = {"model": model, "messages": [], "max_tokens": 256}
    if stream:
        body["stream"] = True
    bare = len(_json(body | {"messages": [_message("user", "")]}))
    content = _text(REQUEST_BYTES - bare, pace_marker(pace_us) + " ")
    raw = _json(body | {"messages": [_message("user", content)]})
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"content-length: {len(raw)}", "", ""]
    return "\r\n".join(lines).encode() + raw


@cache
def chat_reply() -> bytes:
    """The body of a whole answer, of REPLY_BYTES."""
    head = {"id": "chatcmpl-bench", "object": "chat.completion", "created": 1, "model": "bench"}
    bare = len(_json({**head, "choices": [_choice("")], "usage": _USAGE}))
    content = _text(REPLY_BYTES - bare)
    return _json({**head, "choices": [_choice(content)], "usage": _USAGE})


@cache
def stream_events(*, has_usage: bool) -> tuple[bytes, ...]:
    """CHUNKS events with a word each, then the end of the choice, the usage if asked, `[DONE]`."""
    words = _WORDS.split()
    deltas: list[dict[str, str]] = [{"content": f" {words[i % len(words)]}"} for i in range(CHUNKS)]
    deltas[0]["role"] = "assistant"
    events = [_event(delta, None) for delta in deltas]
    events.append(_event({}, "stop"))
    if has_usage:
        events.append(b"data: " + _json(_chunk_head() | {"choices": [], "usage": _USAGE}) + b"\n\n")
    return (*events, b"data: [DONE]\n\n")


def _event(delta: dict[str, str], finish_reason: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return b"data: " + _json(_chunk_head() | {"choices": [choice]}) + b"\n\n"


def _chunk_head() -> dict[str, object]:
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "bench",
        "system_fingerprint": "fp_0123456789",
    }


def _choice(content: str) -> dict[str, object]:
    message = _message("assistant", content)
    return {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _text(length: int, beginning: str = "") -> str:
    return (beginning + _WORDS * (length // len(_WORDS) + 1))[:length]


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
