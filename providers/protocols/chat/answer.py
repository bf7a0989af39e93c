"""Writes chat completions and their chunks: the hub's terms for what a model said.

https://platform.openai.com/docs/api-reference/chat/object
"""

import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

from providers.protocols.usage import Usage

FINISH_STOP = "stop"
FINISH_LENGTH = "length"
FINISH_TOOLS = "tool_calls"
FINISH_FILTER = "content_filter"


def new_id(prefix: str) -> str:
    """For what the provider gave no id: `chatcmpl-...`, `call_...`."""
    return prefix + secrets.token_hex(12)


def message_make(
    text: str, reasoning: str = "", tool_calls: Iterable[dict[str, Any]] = (), **extra: Any
) -> dict[str, Any]:
    """`content` is null where the model only called tools."""
    calls = list(tool_calls)
    message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
    message["refusal"] = None
    if reasoning:
        message["reasoning_content"] = reasoning
    if calls:
        message["tool_calls"] = calls
    return {**message, **extra}


def choice_make(
    message: dict[str, Any], finish_reason: str, index: int = 0, logprobs: Any = None
) -> dict[str, Any]:
    return {
        "index": index,
        "message": message,
        "logprobs": logprobs,
        "finish_reason": finish_reason,
    }


def tool_call_make(call_id: str, name: str, arguments: str, **extra: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {
        "id": call_id or new_id("call_"),
        "type": "function",
        "function": function,
        **extra,
    }


def completion_make(
    choices: list[dict[str, Any]], usage: Usage | None, *, reply_id: str = "", model: str = ""
) -> dict[str, Any]:
    return {
        "id": reply_id or new_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": choices,
        "usage": None if usage is None else usage_json(usage),
    }


def usage_json(usage: Usage) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage, and what was
    written to the cache beside what was read from it."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": usage.input_audio_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.output_audio_tokens,
        },
    }


class ChunkWriter:
    """Makes the chunks of one stream, which share a head."""

    __slots__ = ("_created", "_id", "_model")

    def __init__(self) -> None:
        self._id = ""
        self._model = ""
        self._created = int(time.time())

    def begin(self, reply_id: str = "", model: str = "") -> None:
        """The first names that are given stay."""
        self._id = self._id or reply_id
        self._model = self._model or model

    def chunk(
        self,
        delta: Mapping[str, Any],
        finish_reason: str | None = None,
        index: int = 0,
        logprobs: Any = None,
    ) -> dict[str, Any]:
        choice = {
            "index": index,
            "delta": delta,
            "logprobs": logprobs,
            "finish_reason": finish_reason,
        }
        return self._with_head([choice], None)

    def usage_chunk(self, usage: Usage) -> dict[str, Any]:
        return self._with_head([], usage_json(usage))

    def _with_head(self, choices: list[Any], usage: Any) -> dict[str, Any]:
        self._id = self._id or new_id("chatcmpl-")
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
            "usage": usage,
        }
