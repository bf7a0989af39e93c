"""A chat completion's request as the body of Anthropic's `POST /v1/messages`.

https://docs.claude.com/en/api/messages, and where the two APIs differ
https://docs.claude.com/en/api/openai-sdk
"""

import re
from typing import Any

from providers.protocols.anthropic.content import anthropic_messages, has_unsigned_calls
from providers.protocols.dialects.reading import (
    Object,
    is_silent,
    object_read,
    objects_read,
    text_read,
    unsayable,
    wrong,
)
from providers.protocols.wire import KnownModel, Payload

DEFAULT_MAX_TOKENS = 4096
"""The API wants a limit. So much every model can write, also one that the catalog does not know."""

_TOOL_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
_TIERS = {"auto": "auto", "default": "standard_only"}
# Callers of chat completions may use these words of Anthropic's own.
_OWN = (
    "thinking",
    "top_k",
    "output_config",
    "container",
    "context_management",
    "mcp_servers",
    "inference_geo",
    "speed",
    "cache_control",
)
_READ = frozenset(
    {
        *_OWN,
        "model",
        "messages",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "reasoning_effort",
        "user",
        "service_tier",
        "n",
        "modalities",
    }
)
# Claude up to 4.5 thinks within a budget; later ones decide themselves, and are told an effort.
_THINKS_BY_BUDGET = re.compile(
    r"(?:.*[./])?claude-(?:3|(?:opus|sonnet|haiku)-4(?:-[0-5])?(?:[-@]\d{8}.*)?$)"
)
_MIN_BUDGET = 1024
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768}
_EFFORTS = {"minimal": "low"}


def messages_body(
    asked: Payload, *, model: str, known: KnownModel
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body, and the names of what it leaves out.

    Raises InvalidRequest for what is no request for a chat completion, and NotSupported for what
    Claude cannot do and an answer would be wrong without.
    """
    _require_possible(asked)
    left_out = [name for name in asked if name not in _READ and not _is_default(asked[name])]
    system, turns = anthropic_messages(asked, left_out)
    body: dict[str, Any] = {"model": model, "messages": turns}
    body["max_tokens"] = _limit(asked, known)
    if system:
        body["system"] = system
    body |= {name: asked[name] for name in _OWN if asked.get(name) is not None}
    body |= _sampling(asked, left_out)
    body |= _tools(asked)
    _set_format(body, asked, left_out)
    _set_effort(body, asked, known, left_out)
    if asked.get("stream"):
        body["stream"] = True
    return body, tuple(dict.fromkeys(left_out))


def _require_possible(asked: Payload) -> None:
    if asked.get("n") not in (None, 1):
        raise unsayable("n", "this model gives one answer to a request")
    if asked.get("modalities") not in (None, ["text"]):
        raise unsayable("modalities", "this model answers in text alone")
    for old in ("functions", "function_call"):
        if not is_silent(asked.get(old)):
            raise wrong(old, "is not known here: use tools")


def _is_default(value: Any) -> bool:
    """Penalties of 0, `logprobs` false: what asks for nothing."""
    return is_silent(value) or (type(value) in (int, float) and value == 0)


def _limit(asked: Payload, known: KnownModel) -> Any:
    wanted = asked.get("max_completion_tokens") or asked.get("max_tokens")
    return wanted or known.max_output_tokens or DEFAULT_MAX_TOKENS


def _sampling(asked: Payload, left_out: list[str]) -> dict[str, Any]:
    """A temperature above 1 is capped, as Anthropic's own compatible API does."""
    found: dict[str, Any] = {}
    temperature = asked.get("temperature")
    if temperature is not None:
        is_high = isinstance(temperature, int | float) and temperature > 1
        found["temperature"] = 1 if is_high else temperature
    if asked.get("top_p") is not None:
        found["top_p"] = asked["top_p"]
    if stop := asked.get("stop"):
        found["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if asked.get("user"):
        found["metadata"] = {"user_id": asked["user"]}
    tier = asked.get("service_tier")
    if tier in _TIERS:
        found["service_tier"] = _TIERS[tier]
    elif tier is not None:
        left_out.append("service_tier")
    return found


def _tools(asked: Payload) -> dict[str, Any]:
    if not asked.get("tools"):
        return {}
    tools = enumerate(objects_read(asked["tools"], "tools"))
    found: dict[str, Any] = {"tools": [_tool(tool, f"tools[{place}]") for place, tool in tools]}
    choice = _tool_choice(asked.get("tool_choice"))
    if asked.get("parallel_tool_calls") is False and choice != {"type": "none"}:
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return {**found, "tool_choice": choice} if choice else found


def _tool(tool: Object, field: str) -> Object:
    if re.search(r"_\d{8}$", str(tool.get("type"))):
        return tool  # One of Anthropic's own, such as web_search_20250305.
    if tool.get("type") != "function":
        raise unsayable(f"{field}.type", f"this model has no tool {tool.get('type')!r}")
    function = object_read(tool.get("function"), f"{field}.function")
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    found = {
        "name": text_read(function.get("name"), f"{field}.function.name"),
        "input_schema": object_read(schema, f"{field}.function.parameters"),
    }
    told = ("description", "strict")
    found |= {name: function[name] for name in told if function.get(name) is not None}
    marked = tool.get("cache_control")
    return {**found, "cache_control": marked} if marked else found


def _tool_choice(choice: Any) -> dict[str, Any] | None:
    if choice is None:
        return None
    if isinstance(choice, str) and choice in _TOOL_CHOICES:
        return {"type": _TOOL_CHOICES[choice]}
    if isinstance(choice, dict) and choice.get("type") == "function":
        function = object_read(choice.get("function"), "tool_choice.function")
        return {
            "type": "tool",
            "name": text_read(function.get("name"), "tool_choice.function.name"),
        }
    raise unsayable(
        "tool_choice", "this model knows auto, required, none, and one function by name"
    )


def _set_format(body: dict[str, Any], asked: Payload, left_out: list[str]) -> None:
    """https://docs.claude.com/en/docs/build-with-claude/structured-outputs"""
    wanted = object_read(asked.get("response_format") or {"type": "text"}, "response_format")
    if wanted.get("type") == "json_schema":
        named = object_read(wanted.get("json_schema"), "response_format.json_schema")
        schema = object_read(named.get("schema"), "response_format.json_schema.schema")
        config = {"format": {"type": "json_schema", "schema": schema}}
        body["output_config"] = {**body.get("output_config", {}), **config}
    elif wanted.get("type") != "text":
        left_out.append("response_format")


def _set_effort(
    body: dict[str, Any], asked: Payload, known: KnownModel, left_out: list[str]
) -> None:
    """https://docs.claude.com/en/docs/build-with-claude/effort; not to think is the default."""
    effort = asked.get("reasoning_effort")
    if effort in (None, "none") or "thinking" in body:
        return
    if known.lacks("reasoning") or not _think(body, str(effort)):
        left_out.append("reasoning_effort")
    elif body.get("temperature") not in (None, 1):
        del body["temperature"]
        left_out.append("temperature")


def _think(body: dict[str, Any], effort: str) -> bool:
    """Whether the model can be asked to: not where a tool is forced, nor without room for it."""
    if not _THINKS_BY_BUDGET.match(body["model"]):
        body["thinking"] = {"type": "adaptive"}
        config = {"effort": _EFFORTS.get(effort, effort)}
        body["output_config"] = {**body.get("output_config", {}), **config}
        return True
    limit = body["max_tokens"]
    is_forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
    if is_forced or has_unsigned_calls(body["messages"]):
        return False
    if type(limit) is not int or limit <= _MIN_BUDGET:
        return False
    budget = min(_BUDGETS.get(effort, _BUDGETS["xhigh"]), limit - 1)
    body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    return True
