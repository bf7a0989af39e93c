"""A chat request in Gemini's terms.

https://ai.google.dev/api/generate-content#generationconfig
"""

import re
from collections.abc import Mapping
from typing import Any

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
    tool_choice_of,
)
from providers.protocols.gemini.contents import Conversation
from providers.protocols.wire import Payload

_OPTIONS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "n": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
# Gemini's own, which callers who know it may send through.
_OWN = {"safety_settings": "safetySettings", "cached_content": "cachedContent"}
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
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}

_HAS_LEVELS = re.compile(r"gemini-(?:[3-9]|\d\d)")
_HAS_BUDGETS = re.compile(r"gemini-2\.5")
# https://ai.google.dev/gemini-api/docs/openai#thinking
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
_LEVELS = {"minimal": "minimal", "low": "low", "medium": "medium", "high": "high"}
_MOST = ("xhigh", "max")


def chat_body(payload: Payload, model: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body, and the names of the fields that Gemini has no word for."""
    conversation = Conversation(messages_of(payload), model)
    body: dict[str, Any] = {"contents": conversation.contents}
    if conversation.system:
        body["systemInstruction"] = {"parts": conversation.system}
    functions = functions_of(payload)
    if functions:
        body["tools"] = [{"functionDeclarations": [_declared(each) for each in functions]}]
    choice = tool_choice_of(payload)
    if choice is not None and functions:
        body["toolConfig"] = {"functionCallingConfig": _calling(choice)}
    for name, googles in _OWN.items():
        if payload.get(name) is not None:
            body[googles] = payload[name]
    config, unsaid = _generation_config(payload, model)
    if config:
        body["generationConfig"] = config
    strict = ("tools.function.strict",) if any(each.is_strict for each in functions) else ()
    return body, (*fields_left_out(payload, _READ), *unsaid, *strict)


def _declared(function: Function) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": function.name}
    if function.description:
        declared["description"] = function.description
    if function.parameters is not None:
        declared["parametersJsonSchema"] = function.parameters
    return declared


def _calling(choice: ToolChoice) -> dict[str, Any]:
    if not choice.names:
        return {"mode": _MODES[choice.mode]}
    mode = "VALIDATED" if choice.mode == "auto" else "ANY"
    return {"mode": mode, "allowedFunctionNames": list(choice.names)}


def _generation_config(payload: Payload, model: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    if "audio" in (payload.get("modalities") or ()):
        raise InvalidRequest("This provider's chat answers in text alone.", field="modalities")
    config: dict[str, Any] = {
        googles: payload[name]
        for name, googles in _OPTIONS.items()
        if says_something(payload, name)
    }
    if says_something(payload, "top_logprobs") and not payload.get("logprobs"):
        config["responseLogprobs"] = True
    max_tokens = max_tokens_of(payload)
    if max_tokens is not None:
        config["maxOutputTokens"] = max_tokens
    stops = stops_of(payload)
    if stops:
        config["stopSequences"] = stops
    config |= _output(payload)
    thinking, unsaid = _thinking(payload.get("reasoning_effort"), model)
    if thinking:
        config["thinkingConfig"] = thinking
    return config, unsaid


def _output(payload: Payload) -> dict[str, Any]:
    wanted = json_output_of(payload)
    if wanted is None:
        return {}
    if wanted.schema is None:
        return {"responseMimeType": "application/json"}
    return {"responseMimeType": "application/json", "responseJsonSchema": wanted.schema}


def _thinking(effort: Any, model: str) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Gemini 3 takes levels and 2.5 takes budgets; what was thought is asked for with either.

    Gemini 3 cannot be kept from thinking: `none` is its lowest level, and is named as left out.
    """
    if effort is None:
        return {}, ()
    effort = "high" if effort in _MOST else effort
    if effort not in _BUDGETS:
        message = "reasoning_effort is none, minimal, low, medium, high or xhigh."
        raise InvalidRequest(message, field="reasoning_effort")
    if _HAS_BUDGETS.search(model):
        return {"thinkingBudget": _BUDGETS[effort], "includeThoughts": effort != "none"}, ()
    if not _HAS_LEVELS.search(model):
        return {}, ("reasoning_effort",)
    if effort == "none":
        return {"thinkingLevel": _lowest(model)}, ("reasoning_effort",)
    level = _lowest(model) if effort == "minimal" else _LEVELS[effort]
    return {"thinkingLevel": level, "includeThoughts": True}, ()


def _lowest(model: str) -> str:
    return "low" if "pro" in model else "minimal"
