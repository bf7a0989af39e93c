"""OpenAI's Responses API as a dialect of callers.

https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Mapping
from typing import Any

import orjson

from providers.protocols.dialects.caller_dialect import ChatForm
from providers.protocols.dialects.responses_reply import response_of
from providers.protocols.dialects.responses_request import chat_form
from providers.protocols.dialects.responses_stream import ResponsesChunkWriter
from providers.protocols.wire import Payload


class Responses:
    reasoning_field = "reasoning.effort"

    def to_chat(self, asked: Payload) -> ChatForm:
        return chat_form(asked)

    def reply(self, completion: Mapping[str, Any], asked: Payload) -> bytes:
        return orjson.dumps(response_of(completion, asked))

    def chunk_writer(self, asked: Payload) -> ResponsesChunkWriter:
        return ResponsesChunkWriter(asked)
