"""A request in Anthropic's dialect in the hub's terms. https://docs.claude.com/en/api/messages"""

from typing import Any

from providers.protocols.dialects.caller_dialect import ChatForm
from providers.protocols.dialects.messages_content import chat_messages
from providers.protocols.dialects.reading import (
    Object,
    is_silent,
    object_read,
    objects_read,
    text_read,
    unsayable,
    wrong,
)
from providers.protocols.wire import Payload

_SAME = ("max_tokens", "temperature", "top_p", "stream")
_TOOL_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_TOOL_HINTS = (
    "cache_control",
    "input_examples",
    "defer_loading",
    "eager_input_streaming",
    "allowed_callers",
)
# A budget of thinking up to so many tokens is an effort of that name; beyond, it is a high one.
_EFFORTS = ((4096, "low"), (16384, "medium"))
_READ = frozenset(
    {
        *_SAME,
        "model",
        "messages",
        "system",
        "stop_sequences",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "output_format",
        "metadata",
        "service_tier",
    }
)


def chat_form(asked: Payload) -> ChatForm:
    """Raises InvalidRequest for what is not of the dialect's shape, and NotSupported for what would
    change the answer and only Anthropic's API can do."""
    left_out = [name for name in asked if name not in _READ and not is_silent(asked[name])]
    payload: dict[str, Any] = {"messages": chat_messages(asked, left_out)}
    payload |= {name: asked[name] for name in _SAME if asked.get(name) is not None}
    if asked.get("stop_sequences"):
        payload["stop"] = asked["stop_sequences"]
    payload |= _tools(asked, left_out)
    payload |= _reasoning(asked)
    payload |= _output_format(asked, left_out)
    payload |= _metadata(asked, left_out)
    if asked.get("service_tier") == "standard_only":
        payload["service_tier"] = "default"
    return ChatForm(payload, tuple(dict.fromkeys(left_out)))


def _tools(asked: Payload, left_out: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if asked.get("tools"):
        tools = enumerate(objects_read(asked["tools"], "tools"))
        found["tools"] = [_tool(tool, f"tools[{place}]", left_out) for place, tool in tools]
    if asked.get("tool_choice") is not None:
        choice = object_read(asked["tool_choice"], "tool_choice")
        found["tool_choice"] = _tool_choice(choice)
        if choice.get("disable_parallel_tool_use"):
            found["parallel_tool_calls"] = False
    return found


def _tool(tool: Object, field: str, left_out: list[str]) -> dict[str, Any]:
    if tool.get("type") not in (None, "custom"):
        raise unsayable(f"{field}.type", f"only Anthropic's API has the tool {tool['type']!r}")
    left_out += [f"tools[].{hint}" for hint in _TOOL_HINTS if not is_silent(tool.get(hint))]
    function = {
        "name": text_read(tool.get("name"), f"{field}.name"),
        "parameters": object_read(tool.get("input_schema"), f"{field}.input_schema"),
    }
    told = {name: tool[name] for name in ("description", "strict") if tool.get(name) is not None}
    return {"type": "function", "function": {**function, **told}}


def _tool_choice(choice: Object) -> Any:
    kind = choice.get("type")
    if kind == "tool":
        name = text_read(choice.get("name"), "tool_choice.name")
        return {"type": "function", "function": {"name": name}}
    if kind not in _TOOL_CHOICES:
        raise wrong("tool_choice.type", "is none of auto, any, tool and none")
    return _TOOL_CHOICES[kind]


def _reasoning(asked: Payload) -> dict[str, Any]:
    """`effort` says more than a budget. Adaptive thinking is what a model does that is not told."""
    config, thinking = asked.get("output_config"), asked.get("thinking")
    effort = config.get("effort") if isinstance(config, dict) else None
    if effort is not None:
        return {"reasoning_effort": effort}
    if thinking is None or object_read(thinking, "thinking").get("type") != "enabled":
        return {}
    budget = thinking.get("budget_tokens")
    if type(budget) is not int:
        raise wrong("thinking.budget_tokens", "is not a whole number")
    return {"reasoning_effort": next((name for most, name in _EFFORTS if budget <= most), "high")}


def _output_format(asked: Payload, left_out: list[str]) -> dict[str, Any]:
    """https://docs.claude.com/en/docs/build-with-claude/structured-outputs"""
    config = object_read(asked.get("output_config") or {}, "output_config")
    known = ("effort", "format")
    left_out += [f"output_config.{name}" for name in config if name not in known]
    wanted = config.get("format", asked.get("output_format"))
    if wanted is None:
        return {}
    schema = object_read(wanted, "output_config.format").get("schema")
    schema = object_read(schema, "output_config.format.schema")
    named = {"name": "output", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _metadata(asked: Payload, left_out: list[str]) -> dict[str, Any]:
    metadata = object_read(asked.get("metadata") or {}, "metadata")
    left_out += [f"metadata.{name}" for name in metadata if name != "user_id"]
    user = metadata.get("user_id")
    return {} if user is None else {"user": text_read(user, "metadata.user_id")}
