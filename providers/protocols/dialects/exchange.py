"""A call in any caller's dialect, over any protocol.

Where the protocol speaks the dialect, what comes and goes is passed on untouched. Elsewhere it goes
through the hub's own terms, OpenAI's chat completions, which every protocol and dialect knows.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from providers.protocols.dialects.caller_dialect import CallerDialect, ChatForm
from providers.protocols.dialects.chat import Chat
from providers.protocols.dialects.completions import Completions
from providers.protocols.dialects.messages import Messages
from providers.protocols.dialects.names import Dialect
from providers.protocols.dialects.responses import Responses
from providers.protocols.dialects.translated_stream import TranslatedStream
from providers.protocols.wire import (
    ChatReply,
    Payload,
    ProviderRequest,
    StreamReader,
    Target,
    WireProtocol,
)

DIALECTS: Mapping[Dialect, CallerDialect] = MappingProxyType(
    {
        Dialect.CHAT: Chat(),
        Dialect.COMPLETIONS: Completions(),
        Dialect.RESPONSES: Responses(),
        Dialect.MESSAGES: Messages(),
    }
)
# OpenAI's reasoning models refuse `max_tokens`, and older servers do not know what took its place:
# https://platform.openai.com/docs/api-reference/chat/create#chat_create-max_completion_tokens
_WANTS_COMPLETION_TOKENS = re.compile(r"(?:[\w.-]+/)?(?:gpt-[5-9]|o\d|chatgpt)")


def exchange_request(
    protocol: WireProtocol, dialect: Dialect, target: Target, asked: Payload, *, model: str
) -> ProviderRequest:
    """The provider's request. Raises InvalidRequest and NotSupported for what cannot be said."""
    if dialect in protocol.speaks(target):
        return protocol.chat_request(target, asked, model=model, dialect=dialect)
    form = _form(DIALECTS[dialect], target, asked, model)
    request = protocol.chat_request(target, form.payload, model=model)
    return replace(request, left_out=(*form.left_out, *request.left_out))


def _form(dialect: CallerDialect, target: Target, asked: Payload, model: str) -> ChatForm:
    """The caller's request in words that this model knows: it did not choose them itself."""
    form = dialect.to_chat(asked)
    payload, left_out = form.payload, form.left_out
    if "reasoning_effort" in payload and target.model.lacks("reasoning"):
        del payload["reasoning_effort"]
        left_out = (*left_out, dialect.reasoning_field)
    if "max_tokens" in payload and _WANTS_COMPLETION_TOKENS.match(model):
        payload["max_completion_tokens"] = payload.pop("max_tokens")
    return ChatForm(payload, left_out)


def exchange_reply(
    protocol: WireProtocol, dialect: Dialect, target: Target, asked: Payload, body: bytes
) -> tuple[ChatReply, bytes]:
    """What a whole reply says, and the body for the caller. Raises ProviderError."""
    if dialect in protocol.speaks(target):
        return protocol.chat_reply(body, dialect), body
    reply = protocol.chat_reply(body)
    return reply, DIALECTS[dialect].reply(reply.completion, asked)


def exchange_stream(
    protocol: WireProtocol, dialect: Dialect, target: Target, asked: Payload
) -> StreamReader:
    """The reader of the provider's stream, giving the bytes for the caller."""
    if dialect in protocol.speaks(target):
        return protocol.stream_reader(dialect, hide_usage=not wants_usage_chunk(asked))
    return TranslatedStream(protocol.chunk_reader(), DIALECTS[dialect].chunk_writer(asked))


def wants_usage_chunk(asked: Payload) -> bool:
    """https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options"""
    options = asked.get("stream_options")
    return isinstance(options, dict) and bool(options.get("include_usage"))
