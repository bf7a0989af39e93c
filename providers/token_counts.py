"""Counting tokens where a provider reports none.

The tokenizer is OpenAI's `o200k_base`; another family's counts differ from it by a tenth or two, so
every figure made here is marked as an estimate. It takes 30 MB and 50 ms to load, so it is loaded
with the first text that needs it, and calls belong in a thread: a megabyte takes up to 0.1 s.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import orjson
from splintr import AnyTokenizer, Tokenizer

TOKENS_PER_MESSAGE = 4
"""What the marks around a message take: role, start and end."""
TOKENS_PER_IMAGE = 765
"""A picture of a megapixel, as OpenAI counts it; its bytes are no text."""
_PROMPTS = ("system", "instructions", "input", "prompt")
# What holds words in a message or a part of it, and what a tool was called with.
_WORDS = (
    "content",
    "text",
    "refusal",
    "name",
    "reasoning_content",
    "thinking",
    "arguments",
    "output",
)
_CALLED = ("tool_calls", "function_call", "input")
_MAX_DEPTH = 64
"""A tool's result within a message is six deep; what hides words deeper is no prompt."""
_PIECE = 16_000
"""A long run of one letter takes the tokenizer more than proportionally long: it is cut."""


def count_tokens(text: str) -> int:
    """Tokens of the text; not too few by more than one for each 16,000 characters."""
    tokenizer = _tokenizer()
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return sum(len(tokenizer.encode_ordinary(_encodable(piece))) for piece in pieces)


def count_prompt(payload: Mapping[str, Any]) -> int:
    """Tokens of what a request hands to the model, in any dialect: instructions, messages, tools,
    input and prompt. Token numbers, as in an embedding's input, are one each."""
    messages = payload.get("messages")
    total = sum(map(_count_message, messages)) if isinstance(messages, list) else 0
    for name in _PROMPTS:
        total += sum(map(_count_item, _items(payload.get(name))))
    return total + (count_tokens(_json(payload["tools"])) if payload.get("tools") else 0)


@cache
def _tokenizer() -> AnyTokenizer:
    return Tokenizer.from_pretrained("o200k_base")


def _encodable(text: str) -> str:
    """Half a surrogate pair, which JSON can carry, is no text for a tokenizer."""
    return text.encode("utf-8", "replace").decode()


def _items(value: Any, depth: int = 0) -> Iterator[Any]:
    if isinstance(value, list) and depth < _MAX_DEPTH:
        for item in value:
            yield from _items(item, depth + 1)
    elif value is not None:
        yield value


def _count_message(message: Any) -> int:
    return TOKENS_PER_MESSAGE + (_count_content(message) if isinstance(message, Mapping) else 0)


def _count_item(item: Any) -> int:
    """A text, a token's number, a block of text, or an item of a response's input."""
    if isinstance(item, Mapping) and "role" in item:
        return _count_message(item)
    return _count_content(item) if isinstance(item, str | Mapping) else 1


def _count_content(content: Any, depth: int = 0) -> int:
    """Texts, wherever they are; what has a type and no text is a picture or a file."""
    if isinstance(content, str):
        return count_tokens(content)
    if depth > _MAX_DEPTH:
        return 0
    if isinstance(content, list):
        return sum([_count_content(part, depth + 1) for part in content])
    if not isinstance(content, Mapping):
        return count_tokens(_json(content))
    content = _with_text_of_source(content)
    said = [content[name] for name in _WORDS if content.get(name)]
    called = [_json(content[name]) for name in _CALLED if content.get(name)]
    if not said and not called:
        return TOKENS_PER_IMAGE if "type" in content and "text" not in content else 0
    told = sum([_count_content(part, depth + 1) for part in said])
    return told + sum(map(count_tokens, called))


def _with_text_of_source(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document of Anthropic's dialect may be plain text."""
    source = part.get("source")
    if not isinstance(source, Mapping) or source.get("type") != "text":
        return part
    return {**part, "text": source.get("data")}


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value, default=str).decode()
    except orjson.JSONEncodeError:
        return ""  # Nested too deeply to be sent, either.
