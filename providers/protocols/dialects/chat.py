"""OpenAI's chat completions: the hub's own terms, so there is nothing to translate.

https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Mapping
from typing import Any

import orjson

from providers.protocols.dialects.caller_dialect import ChatForm
from providers.protocols.failures import ProviderFailure
from providers.protocols.wire import Payload

END_MARKER = b"data: [DONE]\n\n"


class Chat:
    reasoning_field = "reasoning_effort"

    def to_chat(self, asked: Payload) -> ChatForm:
        return ChatForm(dict(asked))

    def reply(self, completion: Mapping[str, Any], asked: Payload) -> bytes:
        return orjson.dumps(completion)

    def chunk_writer(self, asked: Payload) -> "ChatChunkWriter":
        options = asked.get("stream_options")
        return ChatChunkWriter(
            hide_usage=not (isinstance(options, dict) and options.get("include_usage"))
        )


class ChatChunkWriter:
    """`hide_usage` leaves out the chunk that carries usage alone."""

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide_usage = hide_usage

    def write(self, chunk: dict[str, Any]) -> bytes:
        if self._hide_usage and chunk.get("usage") is not None and not chunk.get("choices"):
            return b""
        return b"data: " + orjson.dumps(chunk) + b"\n\n"

    def finish(self) -> bytes:
        return END_MARKER

    def error_event(self, failure: ProviderFailure) -> bytes:
        return chat_error_event(failure)


def chat_error_event(failure: ProviderFailure) -> bytes:
    """The one event that ends a broken stream in this dialect."""
    error = {"message": failure.message, "type": "provider_error", "code": failure.kind}
    return b"data: " + orjson.dumps({"error": error}) + b"\n\n"
