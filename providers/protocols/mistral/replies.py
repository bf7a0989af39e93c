"""Reads what Mistral answers: its content may be a list of chunks, of which some are thoughts.

https://docs.mistral.ai/capabilities/reasoning
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llmhub.base.redact import redact
from providers.protocols.chat.answer import FINISH_LENGTH
from providers.protocols.chat.ocr import ocr_reply
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure, bad_reply
from providers.protocols.openai.kin_stream import KinChunkReader
from providers.protocols.openai.replies import message_text, reply_json, reply_object, usage_parse
from providers.protocols.usage import IMPOSSIBLE, NOT_REPORTED, UsageReport, duration_read
from providers.protocols.wire import ChatReply

_FAILED = "the model ended with an error"


def chat_parse(body: bytes) -> ChatReply:
    reply = reply_object(body)
    if "pages" in reply:
        return _read_pages(reply)
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices:
        raise bad_reply("the reply does not hold a choice")
    for choice in choices:
        if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
            raise bad_reply("the reply's choice has no message")
        _told(choice, choice["message"])
    text = message_text(choices[0]["message"])
    finish = str(choices[0].get("finish_reason") or "")
    return ChatReply(text, finish, usage_parse(reply).usage, reply)


def _read_pages(reply: Mapping[str, Any]) -> ChatReply:
    """https://docs.mistral.ai/api/endpoint/ocr"""
    pages = reply["pages"]
    if not isinstance(pages, list) or not all(isinstance(page, dict) for page in pages):
        raise bad_reply("the pages of the reply are no list of objects")
    texts = [page.get("markdown") for page in pages]
    if not all(isinstance(text, str) for text in texts):
        raise bad_reply("a page of the reply holds no text")
    return ocr_reply("\n\n".join(str(text) for text in texts), str(reply.get("model") or ""))


def _told(choice: dict[str, Any], message: dict[str, Any]) -> None:
    """Put a choice's message, or a stream's delta, in the hub's terms."""
    if isinstance(message.get("content"), list):
        text, thought, references = _apart(message["content"])
        message["content"] = text
        if thought:
            message["reasoning_content"] = thought
        if references:
            message["references"] = references
    for call in message.get("tool_calls") or ():
        if isinstance(call, dict):
            call.setdefault("type", "function")
    finish = choice.get("finish_reason")
    if finish == "model_length":
        choice["finish_reason"] = FINISH_LENGTH
    if finish == "error":
        failure = ProviderFailure(FailureKind.OVERLOADED, redact(_FAILED, ()), 200)
        raise ProviderError(failure)


def _apart(content: list[Any]) -> tuple[str, str, list[Any]]:
    """What was said, what was thought, and what is referred to."""
    parts = [part for part in content if isinstance(part, dict)]
    text = "".join(str(part.get("text") or "") for part in parts if part.get("type") == "text")
    thoughts = [part.get("thinking") for part in parts if part.get("type") == "thinking"]
    thought = "".join(_words(each) for each in thoughts)
    references = [id_ for part in parts for id_ in part.get("reference_ids") or ()]
    return text, thought, references


def _words(thinking: Any) -> str:
    if isinstance(thinking, str):
        return thinking
    pieces = thinking if isinstance(thinking, list) else ()
    return "".join(str(piece.get("text") or "") for piece in pieces if isinstance(piece, dict))


def usage_of(reply: bytes | dict[str, Any]) -> UsageReport:
    """With the seconds of audio that were listened to. Never raises."""
    try:
        found = reply_json(reply) if isinstance(reply, bytes) else reply
    except ProviderError:
        return NOT_REPORTED
    if not isinstance(found, dict):
        return NOT_REPORTED
    report, told = usage_parse(found), found.get("usage")
    seconds = told.get("prompt_audio_seconds") if isinstance(told, dict) else None
    if report.usage is None or not seconds:
        return report
    heard = duration_read(seconds).usage
    return UsageReport(replace(report.usage, audio_ms=heard.audio_ms)) if heard else IMPOSSIBLE


class MistralChunkReader(KinChunkReader):
    """As OpenAI's, with what Mistral says otherwise put in the hub's terms."""

    __slots__ = ()

    def _put(self, choice: dict[str, Any], delta: dict[str, Any]) -> None:
        try:
            _told(choice, delta)
        except ProviderError as error:
            self._failure = error.failure
