"""A conversation in Gemini's terms: turns of user and model, and the system's words apart.

https://ai.google.dev/api/caching#Content
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from llmhub.base.errors import InvalidRequest
from providers.protocols.chat.asked import ToolCall, tool_calls_of
from providers.protocols.chat.content import Media, Part, Text, content_of, text_of

_SIGNED = re.compile(r"gemini-(?:[3-9]|\d\d)")
_UNSIGNED = "skip_thought_signature_validator"
"""What Google documents for calls that no Gemini made: without a signature Gemini 3 refuses them.
https://ai.google.dev/gemini-api/docs/thought-signatures"""


class Conversation:
    """`system` is empty where nobody spoke for the system; `contents` are the turns."""

    def __init__(self, messages: Iterable[Mapping[str, Any]], model: str) -> None:
        self.system: list[dict[str, Any]] = []
        self.contents: list[dict[str, Any]] = []
        self._is_signed = _SIGNED.search(model) is not None
        self._called: dict[str, str] = {}
        for number, message in enumerate(messages):
            self._add(message, f"messages[{number}]")

    def _add(self, message: Mapping[str, Any], where: str) -> None:
        match message.get("role"):
            case "system" | "developer":
                self.system.append({"text": text_of(message, where)})
            case "user":
                self._turn("user", [_part(part) for part in content_of(message, where)])
            case "assistant":
                self._turn("model", self._said(message, where))
            case "tool":
                self._turn("user", [self._tool_result(message, where)])
            case role:
                message_of = f"{where}.role is {role!r}, which is not supported."
                raise InvalidRequest(message_of, field=f"{where}.role")

    def _turn(self, role: str, parts: list[dict[str, Any]]) -> None:
        """Parts of the same role in a row are one turn: the results of parallel calls must be."""
        if not parts:
            return
        if self.contents and self.contents[-1]["role"] == role:
            self.contents[-1]["parts"] += parts
        else:
            self.contents.append({"role": role, "parts": parts})

    def _said(self, message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
        parts = [_part(part) for part in content_of(message, where)]
        if isinstance(message.get("refusal"), str):
            parts.append({"text": message["refusal"]})
        calls = tool_calls_of(message, where)
        return parts + [self._call(call, is_first=i == 0) for i, call in enumerate(calls)]

    def _call(self, call: ToolCall, *, is_first: bool) -> dict[str, Any]:
        self._called[call.id] = call.name
        said: dict[str, Any] = {"name": call.name, "args": call.arguments}
        if call.id:
            said["id"] = call.id
        signature = signature_of(call.extra)
        if not signature and is_first and self._is_signed:
            signature = _UNSIGNED
        signed = {"thoughtSignature": signature} if signature else {}
        return {"functionCall": said, **signed}

    def _tool_result(self, message: Mapping[str, Any], where: str) -> dict[str, Any]:
        call_id = message.get("tool_call_id")
        name = self._called.get(call_id) if isinstance(call_id, str) else None
        if name is None:
            field = f"{where}.tool_call_id"
            raise InvalidRequest(f"{field} answers no call of the messages before.", field=field)
        response = _as_object(text_of(message, where))
        return {"functionResponse": {"id": call_id, "name": name, "response": response}}


def signature_of(call: Mapping[str, Any]) -> str:
    """The thought signature of a call, where Google's own OpenAI surface keeps it."""
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, Mapping) else None
    signature = google.get("thought_signature") if isinstance(google, Mapping) else None
    return signature if isinstance(signature, str) else ""


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    return _media(part)


def _media(media: Media) -> dict[str, Any]:
    """An address goes to Google as it is, which fetches it: a file of its own, gs:// or https://."""
    kind = {"mimeType": media.content_type} if media.content_type else {}
    if media.data:
        return {"inlineData": {**kind, "data": media.data}}
    return {"fileData": {**kind, "fileUri": media.url}}


def _as_object(text: str) -> dict[str, Any]:
    """A function's response is an object; other output stands under `output`, as in the SDKs."""
    try:
        value = orjson.loads(text) if text[:1] == "{" else None
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict) else {"output": text}
