"""A conversation in Converse's terms.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from llmhub.base.errors import InvalidRequest, NotSupported
from providers.protocols.chat.asked import tool_calls_of
from providers.protocols.chat.content import Media, MediaKind, Part, Text, content_of

_IMAGES = frozenset({"png", "jpeg", "gif", "webp"})
_AUDIO = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}
_VIDEOS = {"quicktime": "mov", "x-matroska": "mkv", "3gpp": "three_gp", "x-flv": "flv"}
_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
_CACHE_POINT = {"cachePoint": {"type": "default"}}
_UNUSABLE_IN_NAME = re.compile(r"[^\w\s()\[\]-]|_", re.ASCII)


class Conversation:
    """`system` is empty where nobody spoke for the system; `messages` are the turns."""

    def __init__(self, messages: Iterable[Mapping[str, Any]]) -> None:
        self.system: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.has_tools = False
        self.has_unsigned_calls = False
        self._documents = 0
        for number, message in enumerate(messages):
            self._add(message, f"messages[{number}]")

    def _add(self, message: Mapping[str, Any], where: str) -> None:
        match message.get("role"):
            case "system" | "developer":
                self.system += self._system(message, where)
            case "user":
                self._turn("user", self._content(message, where))
            case "assistant":
                self._turn("assistant", self._said(message, where))
            case "tool":
                self._turn("user", [self._tool_result(message, where)])
            case role:
                field = f"{where}.role"
                raise InvalidRequest(f"{field} is {role!r}, which is not supported.", field=field)

    def _turn(self, role: str, blocks: list[dict[str, Any]]) -> None:
        """Turns alternate: blocks of one role in a row are one, as parallel results must be."""
        if not blocks:
            return
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"] += blocks
        else:
            self.messages.append({"role": role, "content": blocks})

    def _system(self, message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
        parts = content_of(message, where)
        for part in parts:
            if isinstance(part, Media):
                raise InvalidRequest(f"{part.where} is not text.", field=part.where)
        return self._blocks(parts)

    def _content(self, message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
        return self._blocks(content_of(message, where))

    def _blocks(self, parts: Iterable[Part]) -> list[dict[str, Any]]:
        blocks = []
        for part in parts:
            blocks.append({"text": part.text} if isinstance(part, Text) else self._media(part))
            if part.is_cache_point:
                blocks.append(dict(_CACHE_POINT))
        return blocks

    def _said(self, message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
        """Thinking goes back with the signatures that replies.py gave out, and not without."""
        blocks = [_thought(each) for each in message.get("thinking_blocks") or ()]
        is_signed = bool(blocks)
        blocks += self._content(message, where)
        if isinstance(message.get("refusal"), str):
            blocks.append({"text": message["refusal"]})
        for call in tool_calls_of(message, where):
            self.has_tools = True
            self.has_unsigned_calls = self.has_unsigned_calls or not is_signed
            use = {"toolUseId": call.id, "name": call.name, "input": call.arguments}
            blocks.append({"toolUse": use})
        return blocks

    def _tool_result(self, message: Mapping[str, Any], where: str) -> dict[str, Any]:
        call_id = message.get("tool_call_id")
        if not isinstance(call_id, str):
            field = f"{where}.tool_call_id"
            raise InvalidRequest(f"{field} is not a text.", field=field)
        self.has_tools = True
        content = self._content(message, where) or [{"text": ""}]
        return {"toolResult": {"toolUseId": call_id, "content": [_as_json(b) for b in content]}}

    def _media(self, media: Media) -> dict[str, Any]:
        """Bytes, or an object in S3; the service fetches nothing from elsewhere."""
        source: dict[str, Any] = {"bytes": media.data}
        if media.url:
            if not media.url.startswith("s3://"):
                message = f"{media.where}: Bedrock fetches no addresses. Send a data: URL."
                raise NotSupported(message, details={"field": media.where})
            source = {"s3Location": {"uri": media.url}}
        subtype = media.content_type.partition("/")[2].lower()
        match media.kind:
            case MediaKind.IMAGE:
                return {"image": {"format": _image_format(media, subtype), "source": source}}
            case MediaKind.AUDIO:
                return {"audio": {"format": _AUDIO.get(subtype, subtype), "source": source}}
            case MediaKind.VIDEO:
                return {"video": {"format": _VIDEOS.get(subtype, subtype), "source": source}}
        return {"document": self._document(media, source)}

    def _document(self, media: Media, source: dict[str, Any]) -> dict[str, Any]:
        kind = _DOCUMENTS.get(media.content_type)
        if kind is None:
            message = f"{media.where}: Bedrock takes no documents of type {media.content_type}."
            raise NotSupported(message, details={"field": media.where})
        self._documents += 1
        stem = media.name.rpartition(".")[0] or media.name
        name = " ".join(_UNUSABLE_IN_NAME.sub(" ", stem).split())[:200]
        return {"format": kind, "name": name or f"document {self._documents}", "source": source}


def _image_format(media: Media, subtype: str) -> str:
    subtype = "jpeg" if subtype == "jpg" else subtype
    if subtype not in _IMAGES:
        message = f"{media.where}: Bedrock takes images as png, jpeg, gif and webp alone."
        raise NotSupported(message, details={"field": media.where})
    return subtype


def _thought(block: Any) -> dict[str, Any]:
    if not isinstance(block, Mapping):
        raise InvalidRequest("thinking_blocks is not a list of objects.", field="thinking_blocks")
    if block.get("type") == "redacted_thinking":
        return {"reasoningContent": {"redactedContent": block.get("data")}}
    text = {"text": block.get("thinking", ""), "signature": block.get("signature")}
    said = {name: value for name, value in text.items() if value is not None}
    return {"reasoningContent": {"reasoningText": said}}


def _as_json(block: dict[str, Any]) -> dict[str, Any]:
    """A tool's result that is a JSON object goes as such."""
    text = block.get("text")
    if not isinstance(text, str) or not text.startswith("{"):
        return block
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return block
    return {"json": value} if isinstance(value, dict) else block
