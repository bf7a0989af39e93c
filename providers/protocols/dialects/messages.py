"""Anthropic's Messages API as a dialect of callers. https://docs.claude.com/en/api/messages"""

from collections.abc import Mapping
from typing import Any

import orjson

from providers.protocols.dialects.caller_dialect import ChatForm
from providers.protocols.dialects.messages_reply import message_of
from providers.protocols.dialects.messages_request import chat_form
from providers.protocols.dialects.messages_stream import MessagesChunkWriter
from providers.protocols.wire import Payload


class Messages:
    reasoning_field = "thinking"

    def to_chat(self, asked: Payload) -> ChatForm:
        return chat_form(asked)

    def reply(self, completion: Mapping[str, Any], asked: Payload) -> bytes:
        return orjson.dumps(message_of(completion))

    def chunk_writer(self, asked: Payload) -> MessagesChunkWriter:
        return MessagesChunkWriter()
