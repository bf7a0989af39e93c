"""A request in OpenAI's Responses dialect in the hub's terms.

https://platform.openai.com/docs/api-reference/responses/create
"""

from typing import Any

from providers.protocols.dialects.caller_dialect import ChatForm
from providers.protocols.dialects.reading import (
    Object,
    is_silent,
    object_read,
    objects_read,
    text_read,
    unsayable,
    wrong,
)
from providers.protocols.dialects.responses_input import chat_messages
from providers.protocols.wire import Payload

_SAME = {
    "temperature": "temperature",
    "top_p": "top_p",
    "stream": "stream",
    "max_output_tokens": "max_tokens",
    "parallel_tool_calls": "parallel_tool_calls",
    "user": "user",
    "service_tier": "service_tier",
}
_READ = frozenset(
    {
        *_SAME,
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "text",
        "reasoning",
        "metadata",
        "stream_options",
        "top_logprobs",
        "include",
    }
)
# What lies with the provider that made it; an answer without it would be another one.
_KEPT_ELSEWHERE = ("previous_response_id", "conversation", "prompt", "background")
_LOGPROBS = "message.output_text.logprobs"
_SILENT = {"truncation": "disabled", "service_tier": "auto"}


def chat_form(asked: Payload) -> ChatForm:
    """Raises InvalidRequest for what is not of the dialect's shape, and NotSupported for what would
    change the answer and only a provider of this dialect can do."""
    for name in _KEPT_ELSEWHERE:
        if not is_silent(asked.get(name)):
            raise unsayable(name, "this model's provider keeps nothing: send the whole input")
    left_out = [name for name in asked if name not in _READ and not _says_nothing(name, asked)]
    payload: dict[str, Any] = {"messages": chat_messages(asked, left_out)}
    for name, word in _SAME.items():
        if asked.get(name) is not None and not _says_nothing(name, asked):
            payload[word] = asked[name]
    payload |= _tools(asked)
    payload |= _text(asked, left_out)
    payload |= _reasoning(asked, left_out)
    payload |= _logprobs(asked, left_out)
    return ChatForm(payload, tuple(dict.fromkeys(left_out)))


def _says_nothing(name: str, asked: Payload) -> bool:
    if name == "stream" or name == "parallel_tool_calls":
        return asked[name] is None
    return is_silent(asked[name]) or asked[name] == _SILENT.get(name)


def _tools(asked: Payload) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if asked.get("tools"):
        tools = enumerate(objects_read(asked["tools"], "tools"))
        found["tools"] = [_tool(tool, f"tools[{place}]") for place, tool in tools]
    choice = asked.get("tool_choice")
    if isinstance(choice, str):
        found["tool_choice"] = choice
    elif choice is not None:
        choice = object_read(choice, "tool_choice")
        if choice.get("type") != "function":
            raise unsayable("tool_choice", "this model knows auto, required, none and a function")
        name = text_read(choice.get("name"), "tool_choice.name")
        found["tool_choice"] = {"type": "function", "function": {"name": name}}
    return found


def _tool(tool: Object, field: str) -> dict[str, Any]:
    if tool.get("type") != "function":
        raise unsayable(f"{field}.type", f"this model's provider has no tool {tool.get('type')!r}")
    name = text_read(tool.get("name"), f"{field}.name")
    words = ("description", "parameters", "strict")
    told = {word: tool[word] for word in words if tool.get(word) is not None}
    return {"type": "function", "function": {"name": name, **told}}


def _text(asked: Payload, left_out: list[str]) -> dict[str, Any]:
    """https://platform.openai.com/docs/guides/structured-outputs"""
    text = object_read(asked.get("text") or {}, "text")
    left_out += [f"text.{name}" for name in text if name != "format" and not is_silent(text[name])]
    wanted = object_read(text.get("format") or {"type": "text"}, "text.format")
    match wanted.get("type"):
        case "text":
            return {}
        case "json_object":
            return {"response_format": {"type": "json_object"}}
        case "json_schema":
            words = ("name", "schema", "strict", "description")
            told = {word: wanted[word] for word in words if wanted.get(word) is not None}
            return {"response_format": {"type": "json_schema", "json_schema": told}}
    raise wrong("text.format.type", "is none of text, json_object and json_schema")


def _reasoning(asked: Payload, left_out: list[str]) -> dict[str, Any]:
    reasoning = object_read(asked.get("reasoning") or {}, "reasoning")
    left_out += [
        f"reasoning.{name}"
        for name in reasoning
        if name != "effort" and not is_silent(reasoning[name])
    ]
    effort = reasoning.get("effort")
    return {} if effort is None else {"reasoning_effort": effort}


def _logprobs(asked: Payload, left_out: list[str]) -> dict[str, Any]:
    include = asked.get("include") or []
    if not isinstance(include, list):
        raise wrong("include", "is not a list")
    left_out += [f"include[{name}]" for name in include if name != _LOGPROBS]
    wanted = asked.get("top_logprobs")
    if wanted or _LOGPROBS in include:
        return {"logprobs": True, "top_logprobs": wanted or 0}
    return {}
