"""The messages of Anthropic's dialect as messages of chat completions.

https://docs.claude.com/en/api/messages#body-messages
"""

from collections.abc import Iterable
from typing import Any

import orjson

from providers.protocols.dialects.reading import (
    Object,
    data_url,
    object_read,
    objects_read,
    text_read,
    unsayable,
    wrong,
)

Part = dict[str, Any]
_THOUGHTS = ("thinking", "redacted_thinking")
_PDF = "application/pdf"


def chat_messages(asked: Object, left_out: list[str]) -> list[Part]:
    """`system` and `messages`. Names in `left_out` what chat completions cannot say.

    Raises InvalidRequest for what is not of the dialect's shape, and NotSupported for content that
    lies with Anthropic: files by id, and what its own tools found.
    """
    found = _system(asked.get("system"), "system", left_out)
    for place, message in enumerate(objects_read(asked.get("messages"), "messages")):
        field, role = f"messages[{place}]", message.get("role")
        if role == "user":
            found += _user(message, field, left_out)
        elif role == "assistant":
            found.append(_assistant(message, field, left_out))
        elif role == "system":
            found += _system(message.get("content"), f"{field}.content", left_out)
        else:
            raise wrong(f"{field}.role", "is neither user nor assistant")
    return found


def _system(system: Any, field: str, left_out: list[str]) -> list[Part]:
    if system is None:
        return []
    blocks = _blocks(system, field, left_out)
    text = "\n\n".join(text_read(block.get("text"), f"{field}.text") for block in blocks)
    return [{"role": "system", "content": text}] if text else []


def _user(message: Object, field: str, left_out: list[str]) -> list[Part]:
    """Tool results become messages of their own, before whatever else the turn holds."""
    field = f"{field}.content"
    results: list[Part] = []
    parts: list[Part] = []
    for block in _blocks(message.get("content"), field, left_out):
        if block.get("type") == "tool_result":
            results.append(_tool_result(block, field, parts, left_out))
        else:
            parts += _parts(block, field, left_out)
    return [*results, {"role": "user", "content": _simplest(parts)}] if parts else results


def _tool_result(block: Object, field: str, parts: list[Part], left_out: list[str]) -> Part:
    """Only text may be a result in chat completions: pictures follow in the user's turn."""
    if block.get("is_error"):
        left_out.append("messages[].content[].is_error")
    texts = []
    for inner in _blocks(block.get("content", ""), f"{field}.content", left_out):
        for part in _parts(inner, f"{field}.content", left_out):
            if part["type"] == "text":
                texts.append(part["text"])
            else:
                parts.append(part)
    call_id = text_read(block.get("tool_use_id"), f"{field}.tool_use_id")
    return {"role": "tool", "tool_call_id": call_id, "content": "\n".join(texts)}


def _assistant(message: Object, field: str, left_out: list[str]) -> Part:
    field = f"{field}.content"
    parts: list[Part] = []
    calls: list[Part] = []
    for block in _blocks(message.get("content"), field, left_out):
        kind = block.get("type")
        if kind == "tool_use":
            calls.append(_tool_call(block, field))
        elif kind in _THOUGHTS:
            left_out.append(f"messages[].content[].{kind}")
        else:
            parts += _parts(block, field, left_out)
    turn: Part = {"role": "assistant", "content": _simplest(parts) if parts else None}
    return {**turn, "tool_calls": calls} if calls else {**turn, "content": turn["content"] or ""}


def _tool_call(block: Object, field: str) -> Part:
    name = text_read(block.get("name"), f"{field}.name")
    arguments = orjson.dumps(object_read(block.get("input", {}), f"{field}.input")).decode()
    call_id = text_read(block.get("id"), f"{field}.id")
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def _parts(block: Object, field: str, left_out: list[str]) -> list[Part]:
    match block.get("type"):
        case "text":
            return [_text(text_read(block.get("text"), f"{field}.text"))]
        case "image":
            return [{"type": "image_url", "image_url": {"url": _image_url(block, field)}}]
        case "document":
            return _document(block, field, left_out)
        case "search_result":
            return _search_result(block, field, left_out)
        case kind:
            raise unsayable(f"{field}.type", f"{kind!r} is content that only Anthropic's API takes")


def _image_url(block: Object, field: str) -> str:
    source = object_read(block.get("source"), f"{field}.source")
    match source.get("type"):
        case "base64":
            media_type = text_read(source.get("media_type"), f"{field}.source.media_type")
            return data_url(media_type, text_read(source.get("data"), f"{field}.source.data"))
        case "url":
            return text_read(source.get("url"), f"{field}.source.url")
    raise unsayable(f"{field}.source", "send the picture as base64 or as a URL")


def _document(block: Object, field: str, left_out: list[str]) -> list[Part]:
    _leave_out(block, ("citations",), left_out)
    source = object_read(block.get("source"), f"{field}.source")
    told = [_text(block[name]) for name in ("title", "context") if isinstance(block.get(name), str)]
    match source.get("type"):
        case "text":
            return [*told, _text(text_read(source.get("data"), f"{field}.source.data"))]
        case "content":
            inner = _blocks(source.get("content"), f"{field}.source.content", left_out)
            return [*told, *_all_parts(inner, f"{field}.source.content", left_out)]
        case "base64":
            return [*told[1:], _file(block, source, field)]
    raise unsayable(f"{field}.source", "send the document as base64 or as text")


def _file(block: Object, source: Object, field: str) -> Part:
    """https://platform.openai.com/docs/guides/pdf-files"""
    title = block.get("title")
    media_type = source.get("media_type") or _PDF
    data = text_read(source.get("data"), f"{field}.source.data")
    name = title if isinstance(title, str) and title else "document.pdf"
    return {
        "type": "file",
        "file": {"filename": name, "file_data": data_url(str(media_type), data)},
    }


def _search_result(block: Object, field: str, left_out: list[str]) -> list[Part]:
    _leave_out(block, ("citations",), left_out)
    inner = objects_read(block.get("content"), f"{field}.content")
    told = [block[name] for name in ("title", "source") if isinstance(block.get(name), str)]
    return [*map(_text, told), *_all_parts(inner, f"{field}.content", left_out)]


def _all_parts(blocks: Iterable[Object], field: str, left_out: list[str]) -> list[Part]:
    return [part for block in blocks for part in _parts(block, field, left_out)]


def _blocks(content: Any, field: str, left_out: list[str]) -> list[Object]:
    if isinstance(content, str):
        return [_text(content)]
    blocks = objects_read(content, field)
    for block in blocks:
        _leave_out(block, ("cache_control",), left_out)
    return blocks


def _leave_out(block: Object, names: Iterable[str], left_out: list[str]) -> None:
    left_out += [f"content[].{name}" for name in names if block.get(name)]


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def _simplest(parts: list[Part]) -> Any:
    """A plain text where it is one: some servers know no other content."""
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]
    return parts
