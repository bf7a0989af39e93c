"""Chat with a service that reads documents and knows no words: what it is given, what it gives."""

from typing import Any

from llmhub.base.errors import InvalidRequest
from providers.protocols.chat.answer import (
    FINISH_STOP,
    choice_make,
    completion_make,
    message_make,
)
from providers.protocols.chat.asked import fields_left_out, messages_of
from providers.protocols.chat.content import Media, MediaKind, Text, content_of
from providers.protocols.wire import ChatReply, Payload

_READABLE = frozenset({MediaKind.IMAGE, MediaKind.FILE})


def document_of(payload: Payload, *, needs_data: bool) -> Media:
    """The one image or file of the last message. `needs_data` where the service fetches nothing.

    Raises InvalidRequest where there is none, or more than one.
    """
    messages = messages_of(payload)
    parts = content_of(messages[-1], f"messages[{len(messages) - 1}]") if messages else []
    media = [part for part in parts if isinstance(part, Media) and part.kind in _READABLE]
    if len(media) != 1:
        message = "This model reads documents: the last message wants one image or file."
        raise InvalidRequest(message, field="messages")
    if needs_data and not media[0].data:
        message = f"{media[0].where}: this service fetches nothing: send it as a data: URL."
        raise InvalidRequest(message, field=media[0].where)
    return media[0]


def ocr_left_out(payload: Payload) -> tuple[str, ...]:
    """Every field, and all words: `messages.text` stands for them."""
    parts = [
        part
        for i, message in enumerate(messages_of(payload))
        for part in content_of(message, f"messages[{i}]")
    ]
    said = ("messages.text",) if any(isinstance(part, Text) for part in parts) else ()
    return (*fields_left_out(payload, ()), *said)


def data_url(media: Media) -> str:
    return media.url or f"data:{media.content_type};base64,{media.data}"


def ocr_reply(text: str, model: str = "") -> ChatReply:
    """What was read, as a completion; such services count pages and report no tokens."""
    choice: dict[str, Any] = choice_make(message_make(text), FINISH_STOP)
    return ChatReply(text, FINISH_STOP, None, completion_make([choice], None, model=model))
