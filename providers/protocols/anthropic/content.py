"""The messages of a chat completion's request as Anthropic's messages.

https://docs.claude.com/en/api/messages#body-messages
"""

from binascii import a2b_base64
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from providers.protocols.dialects.reading import (
    Object,
    arguments_object,
    data_url_split,
    object_read,
    objects_read,
    text_read,
    unsayable,
    wrong,
)

Block = dict[str, Any]
_PDF = "application/pdf"


def anthropic_messages(asked: Object, left_out: list[str]) -> tuple[list[Block], list[Block]]:
    """`system` and `messages`: what a system or developer says anywhere is hoisted to the front.

    Turns of the same role are merged, since a tool's results must all stand in the turn after its
    call. Raises InvalidRequest, and NotSupported for content that Claude does not take.
    """
    system: list[Block] = []
    turns: list[Block] = []
    for place, message in enumerate(objects_read(asked.get("messages"), "messages")):
        field, role = f"messages[{place}]", message.get("role")
        if message.get("name") and role != "tool":
            left_out.append("messages[].name")
        if role in ("system", "developer"):
            system += _texts(message.get("content"), f"{field}.content")
        elif role == "user":
            _add(turns, "user", _parts(message.get("content"), f"{field}.content"))
        elif role == "assistant":
            _add(turns, "assistant", _assistant(message, field))
        elif role == "tool":
            _add(turns, "user", [_tool_result(message, field)])
        else:
            raise wrong(f"{field}.role", "is none of system, user, assistant and tool")
    return system, turns


def _add(turns: list[Block], role: str, blocks: list[Block]) -> None:
    if not blocks:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    else:
        turns.append({"role": role, "content": blocks})


def _assistant(message: Object, field: str) -> list[Block]:
    """Thinking comes back with the signatures that replies.py gave out; unsigned words of a model's
    reasoning are not accepted as such by Claude, nor missed."""
    thoughts = message.get("thinking_blocks")
    blocks = [dict(block) for block in objects_read(thoughts or [], f"{field}.thinking_blocks")]
    if message.get("content") is not None:
        blocks += _parts(message["content"], f"{field}.content")
    if message.get("function_call") is not None:
        raise wrong(f"{field}.function_call", "is not known here: use tool_calls")
    calls = objects_read(message.get("tool_calls") or [], f"{field}.tool_calls")
    return [*blocks, *(_tool_use(call, f"{field}.tool_calls") for call in calls)]


def _tool_use(call: Object, field: str) -> Block:
    function = object_read(call.get("function"), f"{field}[].function")
    return {
        "type": "tool_use",
        "id": text_read(call.get("id"), f"{field}[].id"),
        "name": text_read(function.get("name"), f"{field}[].function.name"),
        "input": arguments_object(function.get("arguments")),
    }


def _tool_result(message: Object, field: str) -> Block:
    call_id = text_read(message.get("tool_call_id"), f"{field}.tool_call_id")
    content = message.get("content")
    result: Block = {"type": "tool_result", "tool_use_id": call_id}
    blocks = [] if content is None else _parts(content, f"{field}.content")
    return {**result, "content": blocks} if blocks else result


def _texts(content: Any, field: str) -> list[Block]:
    blocks = _parts(content, field)
    if any(block["type"] != "text" for block in blocks):
        raise wrong(field, "holds what is not text")
    return blocks


def _parts(content: Any, field: str) -> list[Block]:
    """Empty texts are left away: Claude refuses them, and they say nothing."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    parts = objects_read(content, field)
    blocks = [_part(part, f"{field}[{place}]") for place, part in enumerate(parts)]
    return [block for block in blocks if block.get("text") != ""]


def _part(part: Object, field: str) -> Block:
    """`cache_control` on a part is Anthropic's own word, and stays where it is."""
    block = _bare_part(part, field)
    marked = part.get("cache_control")
    return {**block, "cache_control": marked} if marked else block


def _bare_part(part: Object, field: str) -> Block:
    match part.get("type"):
        case "text":
            return {"type": "text", "text": text_read(part.get("text"), f"{field}.text")}
        case "refusal":
            return {"type": "text", "text": text_read(part.get("refusal"), f"{field}.refusal")}
        case "image_url":
            image = part.get("image_url")
            url = image.get("url") if isinstance(image, Mapping) else image
            return _from_url("image", text_read(url, f"{field}.image_url.url"))
        case "file":
            return _file(object_read(part.get("file"), f"{field}.file"), f"{field}.file")
        case kind:
            raise unsayable(f"{field}.type", f"this model takes no {kind!r}")


def _from_url(kind: str, url: str) -> Block:
    data = data_url_split(url)
    if data is None:
        return {"type": kind, "source": {"type": "url", "url": url}}
    source = {"type": "base64", "media_type": data[0], "data": data[1]}
    return {"type": kind, "source": source}


def _file(file: Object, field: str) -> Block:
    """https://platform.openai.com/docs/guides/pdf-files"""
    if file.get("file_id") is not None:
        raise unsayable(f"{field}.file_id", "the file lies with another provider: send file_data")
    given = text_read(file.get("file_data"), f"{field}.file_data")
    media_type, data = data_url_split(given) or (_PDF, given)
    named = {"title": file["filename"]} if isinstance(file.get("filename"), str) else {}
    if media_type.startswith("text/"):
        return {"type": "document", "source": _plain_text(data, field), **named}
    source = {"type": "base64", "media_type": media_type, "data": data}
    return {"type": "document", "source": source, **named}


def _plain_text(data: str, field: str) -> Block:
    try:
        text = a2b_base64(unquote_to_bytes(data)).decode()
    except ValueError:
        raise wrong(f"{field}.file_data", "is not base64 of a text in UTF-8") from None
    return {"type": "text", "media_type": "text/plain", "data": text}


def has_unsigned_calls(turns: Iterable[Block]) -> bool:
    """Whether the last answer called a tool and its thinking is not with it any more: Claude then
    does not think on, and refuses to be asked to."""
    answers = [turn["content"] for turn in turns if turn["role"] == "assistant"]
    kinds = [block["type"] for block in answers[-1]] if answers else []
    return "tool_use" in kinds and not {"thinking", "redacted_thinking"} & set(kinds)
