"""Counting tokens where a provider reports none.

The tokenizer is OpenAI's `o200k_base`; another family's counts differ from it by a tenth or two, so
every figure made here is marked as an estimate. It takes 30 MB and 50 ms to load, so it is loaded
with the first text that needs it, and calls belong in a thread: a megabyte takes up to 0.1 s.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import orjson
from splintr import AnyTokenizer, Tokenizer

TOKENS_PER_MESSAGE = 4
"""What the marks around a message take: role, start and end."""
TOKENS_PER_IMAGE = 765
"""A picture of a megapixel, as OpenAI counts it; its bytes are no text."""
_PIECE = 16_000
"""A long run of one letter takes the tokenizer more than proportionally long: it is cut."""


def count_tokens(text: str) -> int:
    """Tokens of the text; not too few by more than one for each 16,000 characters."""
    tokenizer = _tokenizer()
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return sum(len(tokenizer.encode_ordinary(_encodable(piece))) for piece in pieces)


def count_prompt(payload: Mapping[str, Any]) -> int:
    """Tokens of what a request in OpenAI's dialect hands to the model: messages, tools, input."""
    messages = payload.get("messages")
    total = 0
    for message in messages if isinstance(messages, list) else ():
        total += TOKENS_PER_MESSAGE + sum(_count_part(part) for part in _parts(message))
    if payload.get("tools"):
        total += count_tokens(_json(payload["tools"]))
    for item in _inputs(payload.get("input")):
        total += count_tokens(item) if isinstance(item, str) else 1
    return total


@cache
def _tokenizer() -> AnyTokenizer:
    return Tokenizer.from_pretrained("o200k_base")


def _encodable(text: str) -> str:
    """Half a surrogate pair, which JSON can carry, is no text for a tokenizer."""
    return text.encode("utf-8", "replace").decode()


def _parts(message: Any) -> Iterator[Any]:
    if not isinstance(message, Mapping):
        return
    for name, value in message.items():
        if name == "content" and isinstance(value, list):
            yield from value
        elif name in ("content", "name", "tool_calls", "function_call", "reasoning_content"):
            yield value


def _count_part(part: Any) -> int:
    if isinstance(part, str):
        return count_tokens(part)
    if isinstance(part, Mapping) and "text" in part:
        return count_tokens(str(part["text"]))
    if isinstance(part, Mapping) and "type" in part:
        return TOKENS_PER_IMAGE
    return count_tokens(_json(part)) if part else 0


def _inputs(value: Any) -> Iterable[Any]:
    """Texts, and token numbers, one each: both forms of an embedding's input."""
    if isinstance(value, list):
        for item in value:
            yield from _inputs(item)
    elif value is not None:
        yield value


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
