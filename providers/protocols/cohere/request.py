"""A chat request in Cohere's terms. https://docs.cohere.com/reference/chat"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from llmhub.base.errors import InvalidRequest
from providers.protocols.chat.asked import (
    Function,
    ToolChoice,
    fields_left_out,
    functions_of,
    json_output_of,
    max_tokens_of,
    messages_of,
    says_something,
    stops_of,
    tool_calls_of,
    tool_choice_of,
)
from providers.protocols.chat.content import Media, MediaKind, Part, content_of, text_of
from providers.protocols.wire import Payload

_OPTIONS = {
    "temperature": "temperature",
    "top_p": "p",
    "top_k": "k",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
# Cohere's own, which callers who know it may send through.
_OWN = ("documents", "citation_options", "safety_mode", "thinking", "priority")
_READ = frozenset(
    {
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "tools",
        "tool_choice",
        "response_format",
        "reasoning_effort",
        *_OPTIONS,
        *_OWN,
    }
)
# https://docs.cohere.com/docs/compatibility-api: an effort is thinking, or none.
_EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})


def chat_body(payload: Payload, model: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body, and the names of the fields that Cohere has no word for."""
    messages = [_message(each, f"messages[{i}]") for i, each in enumerate(messages_of(payload))]
    body: dict[str, Any] = {"model": model, "messages": messages}
    if payload.get("stream"):
        body["stream"] = True
    body |= _tools(payload)
    for name, coheres in (*_OPTIONS.items(), *((own, own) for own in _OWN)):
        if says_something(payload, name):
            body[coheres] = payload[name]
    if max_tokens_of(payload) is not None:
        body["max_tokens"] = max_tokens_of(payload)
    if stops_of(payload):
        body["stop_sequences"] = stops_of(payload)
    wanted = json_output_of(payload)
    if wanted is not None:
        schema = {"json_schema": wanted.schema} if wanted.schema is not None else {}
        body["response_format"] = {"type": "json_object", **schema}
    unsaid = _think(payload.get("reasoning_effort"), body)
    return body, (*fields_left_out(payload, _READ), *unsaid)


def _message(message: Mapping[str, Any], where: str) -> dict[str, Any]:
    match message.get("role"):
        case "system" | "developer":
            return {"role": "system", "content": text_of(message, where)}
        case "user":
            return {"role": "user", "content": _content(content_of(message, where))}
        case "assistant":
            return _said(message, where)
        case "tool":
            call_id, content = message.get("tool_call_id"), text_of(message, where)
            return {"role": "tool", "tool_call_id": call_id, "content": content}
        case role:
            words = f"{where}.role is {role!r}, which is not supported."
            raise InvalidRequest(words, field=f"{where}.role")


def _content(parts: list[Part]) -> str | list[dict[str, Any]]:
    """Text alone stays text: models without eyes take nothing else."""
    if not any(isinstance(part, Media) for part in parts):
        return "".join(part.text for part in parts if not isinstance(part, Media))
    return [_part(part) for part in parts]


def _part(part: Part) -> dict[str, Any]:
    if not isinstance(part, Media):
        return {"type": "text", "text": part.text}
    if part.kind is not MediaKind.IMAGE:
        message = f"{part.where}: Cohere's chat takes texts and images, no {part.kind}."
        raise InvalidRequest(message, field=part.where)
    url = part.url or f"data:{part.content_type};base64,{part.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _said(message: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`tool_plan` and `reasoning_content` go back where they came from."""
    said: dict[str, Any] = {"role": "assistant"}
    text = text_of(message, where)
    thought = message.get("reasoning_content")
    if isinstance(thought, str) and thought:
        said["content"] = [{"type": "thinking", "thinking": thought}]
        said["content"] += [{"type": "text", "text": text}] if text else []
    elif text:
        said["content"] = text
    calls = tool_calls_of(message, where)
    if calls:
        said["tool_calls"] = [_call(each.id, each.name, each.arguments) for each in calls]
    if isinstance(message.get("tool_plan"), str):
        said["tool_plan"] = message["tool_plan"]
    return said


def _call(call_id: str, name: str, arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": orjson.dumps(arguments).decode()}
    return {"id": call_id, "type": "function", "function": function}


def _tools(payload: Payload) -> dict[str, Any]:
    """Cohere cannot be told to call one tool of several: it is given that one alone."""
    functions = functions_of(payload)
    choice = tool_choice_of(payload) or ToolChoice("auto")
    if not functions:
        return {}
    if choice.names:
        functions = [each for each in functions if each.name in choice.names]
    said: dict[str, Any] = {"tools": [_declared(each) for each in functions]}
    if choice.mode != "auto":
        said["tool_choice"] = choice.mode.upper()
    if _are_strict(functions):
        said["strict_tools"] = True
    return said


def _declared(function: Function) -> dict[str, Any]:
    described = {"description": function.description} if function.description else {}
    parameters = function.parameters or {"type": "object", "properties": {}}
    return {
        "type": "function",
        "function": {"name": function.name, **described, "parameters": parameters},
    }


def _are_strict(functions: Iterable[Function]) -> bool:
    return any(each.is_strict for each in functions)


def _think(effort: Any, body: dict[str, Any]) -> tuple[str, ...]:
    """What the caller said of `thinking` in Cohere's own words counts more than an effort."""
    if effort is None:
        return ()
    if effort not in _EFFORTS:
        message = "reasoning_effort is none, minimal, low, medium, high or xhigh."
        raise InvalidRequest(message, field="reasoning_effort")
    if "thinking" in body:
        return ("reasoning_effort",)
    body["thinking"] = {"type": "disabled" if effort == "none" else "enabled"}
    return ()
