"""Reads a chat request in the hub's terms: its messages, tools and options.

https://platform.openai.com/docs/api-reference/chat/create. What is not of that shape raises
InvalidRequest and names the field.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from llmhub.base.errors import InvalidRequest
from providers.protocols.wire import Payload

# What says nothing: the value that OpenAI's API takes where the field is not there.
_USUAL: Mapping[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,),
    "function_call": ("auto", "none"),
    "logit_bias": ({},),
    "logprobs": (False,),
    "metadata": ({},),
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (True,),
    "presence_penalty": (0,),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "tools": ([],),
    "verbosity": ("medium",),
}
_OF_THE_HUB = frozenset({"model", "messages", "stream", "stream_options"})
_REPLACED = {"functions": "tools", "function_call": "tool_choice"}


@dataclass(frozen=True, slots=True)
class Function:
    """A tool that the model may call. `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any] | None
    is_strict: bool


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model made earlier. `extra` holds what else the message says of it."""

    id: str
    name: str
    arguments: dict[str, Any]
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`mode` is auto, none or required; `names` are the only ones that may be called, if any."""

    mode: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JSONOutput:
    """Asked for JSON; of this schema, where there is one."""

    schema: Mapping[str, Any] | None = None
    name: str = ""
    description: str = ""


def fields_left_out(payload: Payload, known: Iterable[str]) -> tuple[str, ...]:
    """The fields that say something and are not in `known`, in the order in which they came.

    Raises InvalidRequest for the names of old that would change what the model may do.
    """
    for old, new in _REPLACED.items():
        if says_something(payload, old):
            raise InvalidRequest(f"{old} is not supported here: use {new}.", field=old)
    names = (name for name in payload if name not in _OF_THE_HUB and name not in known)
    return tuple(name for name in names if says_something(payload, name))


def says_something(payload: Payload, name: str) -> bool:
    value = payload.get(name)
    return value is not None and value not in _USUAL.get(name, ())


def messages_of(payload: Payload) -> list[Mapping[str, Any]]:
    messages = payload.get("messages")
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise InvalidRequest("messages is not a list of objects.", field="messages")
    return messages


def tool_calls_of(message: Mapping[str, Any], where: str) -> list[ToolCall]:
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise InvalidRequest(f"{where}.tool_calls is not a list.", field=f"{where}.tool_calls")
    return [_tool_call(call, f"{where}.tool_calls[{i}]") for i, call in enumerate(calls)]


def _tool_call(call: Any, where: str) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str):
        raise InvalidRequest(f"{where} is not the call of a function.", field=where)
    arguments = _arguments(function.get("arguments"), f"{where}.function.arguments")
    return ToolCall(str(call.get("id") or ""), name, arguments, call)


def _arguments(text: Any, where: str) -> dict[str, Any]:
    if text in (None, ""):
        return {}
    try:
        arguments = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        arguments = None
    if not isinstance(arguments, dict):
        raise InvalidRequest(f"{where} is not a JSON object as text.", field=where)
    return arguments


def functions_of(payload: Payload) -> list[Function]:
    tools = payload.get("tools") or []
    if not isinstance(tools, list):
        raise InvalidRequest("tools is not a list.", field="tools")
    return [_function(tool, f"tools[{i}]") for i, tool in enumerate(tools)]


def _function(tool: Any, where: str) -> Function:
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str):
        message = f"{where} is not a function: this provider takes no other tools from a caller."
        raise InvalidRequest(message, field=where)
    parameters = function.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidRequest(f"{where}.function.parameters is not a JSON schema.", field=where)
    description = function.get("description")
    text = description if isinstance(description, str) else ""
    return Function(name, text, parameters, function.get("strict") is True)


def tool_choice_of(payload: Payload) -> ToolChoice | None:
    """None where the caller left it to the provider."""
    choice = payload.get("tool_choice")
    if choice is None:
        return None
    if choice in ("auto", "none", "required"):
        return ToolChoice(choice)
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools")
        allowed = allowed if isinstance(allowed, dict) else choice
        names = [_named(tool) for tool in allowed.get("tools") or ()]
        return ToolChoice("required" if allowed.get("mode") == "required" else "auto", tuple(names))
    return ToolChoice("required", (_named(choice),))


def _named(tool: Any) -> str:
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        raise InvalidRequest(
            "tool_choice is auto, none, required, or names a function.", field="tool_choice"
        )
    return name


def json_output_of(payload: Payload) -> JSONOutput | None:
    """None where the answer is free text."""
    wanted = payload.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if wanted is None or kind == "text":
        return None
    if kind == "json_object":
        return JSONOutput()
    described = wanted.get("json_schema") if isinstance(wanted, dict) else None
    schema = described.get("schema") if isinstance(described, dict) else None
    if kind != "json_schema" or not isinstance(described, dict) or not isinstance(schema, dict):
        message = "response_format is text, json_object, or json_schema with a schema."
        raise InvalidRequest(message, field="response_format")
    return JSONOutput(schema, str(described.get("name") or ""), _words(described, "description"))


def _words(mapping: Mapping[str, Any], name: str) -> str:
    value = mapping.get(name)
    return value if isinstance(value, str) else ""


def stops_of(payload: Payload) -> list[Any]:
    stop = payload.get("stop")
    if stop is None:
        return []
    return stop if isinstance(stop, list) else [stop]


def max_tokens_of(payload: Payload) -> Any:
    """`max_completion_tokens`, or the name it had before."""
    newer = payload.get("max_completion_tokens")
    return payload.get("max_tokens") if newer is None else newer
