"""The input of a Responses request as messages of chat completions.

https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
"""

from typing import Any

from providers.protocols.dialects.reading import (
    Object,
    object_read,
    objects_read,
    text_read,
    unsayable,
    wrong,
)

Part = dict[str, Any]
# Templates of many servers know no `developer`, and OpenAI takes the one for the other.
_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}


def chat_messages(asked: Object, left_out: list[str]) -> list[Part]:
    """`instructions` and `input`. Names in `left_out` what chat completions cannot say.

    Raises InvalidRequest for what is not of the dialect's shape, and NotSupported for items of
    tools that a provider runs itself, and for what lies with one.
    """
    turns: list[Part] = []
    if asked.get("instructions") is not None:
        text = text_read(asked["instructions"], "instructions")
        turns.append({"role": "system", "content": text})
    given = asked.get("input")
    if isinstance(given, str):
        return [*turns, {"role": "user", "content": given}]
    for place, item in enumerate(objects_read(given, "input")):
        _add_item(turns, item, f"input[{place}]", left_out)
    return turns


def _add_item(turns: list[Part], item: Object, field: str, left_out: list[str]) -> None:
    match item.get("type", "message"):
        case "message":
            turns.append(_message(item, field))
        case "function_call":
            _add_call(turns, _tool_call(item, field))
        case "function_call_output":
            turns.append(_tool_result(item, field))
        case "reasoning":
            left_out.append("input[reasoning]")
        case kind:
            raise unsayable(f"{field}.type", f"this model's provider knows no item {kind!r}")


def _message(item: Object, field: str) -> Part:
    role = item.get("role")
    if role not in _ROLES:
        raise wrong(f"{field}.role", "is none of user, assistant, system and developer")
    return {"role": _ROLES[role], "content": _content(item.get("content"), f"{field}.content")}


def _add_call(turns: list[Part], call: Part) -> None:
    """A call belongs to the assistant's turn before it, and parallel calls to the same one."""
    if turns and turns[-1]["role"] == "assistant":
        turns[-1].setdefault("tool_calls", []).append(call)
    else:
        turns.append({"role": "assistant", "content": None, "tool_calls": [call]})


def _tool_call(item: Object, field: str) -> Part:
    function = {
        "name": text_read(item.get("name"), f"{field}.name"),
        "arguments": text_read(item.get("arguments"), f"{field}.arguments"),
    }
    call_id = text_read(item.get("call_id"), f"{field}.call_id")
    return {"id": call_id, "type": "function", "function": function}


def _tool_result(item: Object, field: str) -> Part:
    call_id = text_read(item.get("call_id"), f"{field}.call_id")
    content = _content(item.get("output"), f"{field}.output")
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def _content(content: Any, field: str) -> Any:
    if isinstance(content, str):
        return content
    parts = objects_read(content, field)
    found = [_part(part, f"{field}[{place}]") for place, part in enumerate(parts)]
    if len(found) == 1 and found[0]["type"] == "text":
        return found[0]["text"]
    return found


def _part(part: Object, field: str) -> Part:
    match part.get("type"):
        case "input_text" | "output_text" | "text":
            return {"type": "text", "text": text_read(part.get("text"), f"{field}.text")}
        case "refusal":
            return {"type": "text", "text": text_read(part.get("refusal"), f"{field}.refusal")}
        case "input_image":
            return _image(part, field)
        case "input_file":
            return _file(part, field)
        case "input_audio":
            audio = object_read(part.get("input_audio"), f"{field}.input_audio")
            return {"type": "input_audio", "input_audio": dict(audio)}
        case kind:
            raise unsayable(f"{field}.type", f"{kind!r} is no content that this model takes")


def _image(part: Object, field: str) -> Part:
    if not isinstance(part.get("image_url"), str):
        raise unsayable(f"{field}.file_id", "the file lies with another provider: send image_url")
    detail = {"detail": part["detail"]} if part.get("detail") else {}
    return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}


def _file(part: Object, field: str) -> Part:
    if not isinstance(part.get("file_data"), str):
        raise unsayable(field, "this model's provider fetches no files: send file_data")
    name = part.get("filename")
    named = name if isinstance(name, str) and name else "document.pdf"
    return {"type": "file", "file": {"filename": named, "file_data": part["file_data"]}}
