"""OpenAI's legacy completions as a dialect of callers.

https://platform.openai.com/docs/api-reference/completions. A prompt becomes a user's message: what
comes back is an answer to it, and not its continuation.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from providers.protocols.dialects.caller_dialect import ChatForm
from providers.protocols.dialects.chat import END_MARKER, chat_error_event
from providers.protocols.dialects.completions_read import said_in
from providers.protocols.dialects.reading import unsayable
from providers.protocols.failures import ProviderFailure
from providers.protocols.wire import Payload

_SAME = (
    "max_tokens",
    "temperature",
    "top_p",
    "n",
    "stream",
    "stream_options",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "seed",
    "user",
)
_READ = frozenset({*_SAME, "model", "prompt", "best_of", "echo", "suffix", "logprobs"})
_CONTINUES = ("echo", "suffix", "logprobs")


class Completions:
    reasoning_field = "reasoning_effort"

    def to_chat(self, asked: Payload) -> ChatForm:
        for name in _CONTINUES:
            if asked.get(name) not in (None, False, ""):
                raise unsayable(name, "this model answers, and does not continue a text")
        if asked.get("best_of") not in (None, 1, asked.get("n")):
            raise unsayable("best_of", "this model's provider does not choose among answers")
        turn = {"role": "user", "content": _prompt(asked.get("prompt"))}
        payload = {name: asked[name] for name in _SAME if asked.get(name) is not None}
        left_out = tuple(name for name in asked if name not in _READ and asked[name] is not None)
        return ChatForm({"messages": [turn], **payload}, left_out)

    def reply(self, completion: Mapping[str, Any], asked: Payload) -> bytes:
        return orjson.dumps(_completion(completion, "message"))

    def chunk_writer(self, asked: Payload) -> "CompletionsChunkWriter":
        options = asked.get("stream_options")
        return CompletionsChunkWriter(
            hide_usage=not (isinstance(options, dict) and options.get("include_usage"))
        )


class CompletionsChunkWriter:
    """A ChunkWriter (see caller_dialect.py). `hide_usage` leaves out the chunk of usage alone."""

    __slots__ = ("_hide_usage",)

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide_usage = hide_usage

    def write(self, chunk: dict[str, Any]) -> bytes:
        if not chunk.get("choices") and (self._hide_usage or chunk.get("usage") is None):
            return b""
        return b"data: " + orjson.dumps(_completion(chunk, "delta")) + b"\n\n"

    def finish(self) -> bytes:
        return END_MARKER

    def error_event(self, failure: ProviderFailure) -> bytes:
        return chat_error_event(failure)


def _prompt(prompt: Any) -> str:
    texts = prompt if isinstance(prompt, list) else [prompt]
    if len(texts) != 1 or not isinstance(texts[0], str):
        raise unsayable("prompt", "this model takes one text")
    return texts[0]


def _completion(completion: Mapping[str, Any], where: str) -> dict[str, Any]:
    choices = completion.get("choices")
    written = [_choice(choice, where) for choice in choices] if isinstance(choices, list) else []
    head = {name: completion.get(name) for name in ("id", "created", "model")}
    usage = {"usage": completion["usage"]} if completion.get("usage") is not None else {}
    return {**head, "object": "text_completion", "choices": written, **usage}


def _choice(choice: Mapping[str, Any], where: str) -> dict[str, Any]:
    said = said_in(choice.get(where))
    return {
        "text": said.text + said.refusal,
        "index": choice.get("index", 0),
        "logprobs": None,
        "finish_reason": choice.get("finish_reason"),
    }
