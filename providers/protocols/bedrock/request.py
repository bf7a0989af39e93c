"""A chat request in Converse's terms.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from typing import Any

import orjson

from llmhub.base.errors import NotSupported
from providers.protocols.bedrock.contents import Conversation
from providers.protocols.bedrock.thinking import thinking_set
from providers.protocols.chat.asked import (
    Function,
    fields_left_out,
    functions_of,
    json_output_of,
    max_tokens_of,
    messages_of,
    stops_of,
    tool_choice_of,
)
from providers.protocols.wire import Payload

_READ = frozenset(
    {
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop",
        "tools",
        "tool_choice",
        "response_format",
        "reasoning_effort",
        "service_tier",
        "metadata",
        "guardrail_config",
        "additional_model_request_fields",
        "n",
        "modalities",
    }
)
_TIERS = {"default": "default", "flex": "flex", "priority": "priority"}
_NO_PARAMETERS = {"type": "object", "properties": {}}


def chat_body(payload: Payload, model: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body, and the names of the fields that Converse has no word for."""
    _require_possible(payload)
    left_out = list(fields_left_out(payload, _READ))
    conversation = Conversation(messages_of(payload))
    body: dict[str, Any] = {"messages": conversation.messages}
    if conversation.system:
        body["system"] = conversation.system
    inference = _inference(payload)
    if inference:
        body["inferenceConfig"] = inference
    tools = _tools(payload, conversation, left_out)
    if tools:
        body["toolConfig"] = tools
    body |= _options(payload, left_out)
    _set_output(body, payload, left_out)
    _set_own(body, payload)
    thinking_set(body, payload.get("reasoning_effort"), model, conversation, left_out)
    return body, tuple(left_out)


def _require_possible(payload: Payload) -> None:
    if payload.get("n") not in (None, 1):
        raise NotSupported("n: Bedrock gives one answer to a request.", details={"field": "n"})
    if payload.get("modalities") not in (None, ["text"]):
        message = "modalities: Bedrock's Converse answers in text alone."
        raise NotSupported(message, details={"field": "modalities"})


def _inference(payload: Payload) -> dict[str, Any]:
    stops = stops_of(payload)
    found = {
        "maxTokens": max_tokens_of(payload),
        "temperature": payload.get("temperature"),
        "topP": payload.get("top_p"),
        "stopSequences": stops or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _tools(payload: Payload, conversation: Conversation, left_out: list[str]) -> dict[str, Any]:
    """There is no word for no tool: the tools are left away, unless the conversation has used some,
    which Bedrock refuses without them."""
    functions, choice = functions_of(payload), tool_choice_of(payload)
    if choice is not None and choice.mode == "none":
        if not conversation.has_tools:
            return {}
        left_out.append("tool_choice")
        choice = None
    if not functions:
        return {}
    found: dict[str, Any] = {"tools": [{"toolSpec": _spec(each)} for each in functions]}
    if choice is None or choice.mode == "auto":
        return found
    if len(choice.names) == 1:
        return {**found, "toolChoice": {"tool": {"name": choice.names[0]}}}
    if choice.names:
        left_out.append("tool_choice.allowed_tools")
    return {**found, "toolChoice": {"any": {}}}


def _spec(function: Function) -> dict[str, Any]:
    spec: dict[str, Any] = {"name": function.name}
    if function.description:
        spec["description"] = function.description
    spec["inputSchema"] = {"json": function.parameters or _NO_PARAMETERS}
    return {**spec, "strict": True} if function.is_strict else spec


def _options(payload: Payload, left_out: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    tier = payload.get("service_tier")
    if tier in _TIERS:
        found["serviceTier"] = {"type": _TIERS[tier]}
    elif tier not in (None, "auto"):
        left_out.append("service_tier")
    if payload.get("metadata"):
        found["requestMetadata"] = payload["metadata"]
    if payload.get("guardrail_config"):
        found["guardrailConfig"] = payload["guardrail_config"]
    return found


def _set_output(body: dict[str, Any], payload: Payload, left_out: list[str]) -> None:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html"""
    wanted = json_output_of(payload)
    if wanted is None:
        return
    if wanted.schema is None:
        left_out.append("response_format")
        return
    body["outputConfig"] = {"textFormat": _json_format(wanted.schema, wanted.name)}


def _json_format(schema: Any, name: str) -> dict[str, Any]:
    described = {"schema": orjson.dumps(schema).decode(), **({"name": name} if name else {})}
    return {"type": "json_schema", "structure": {"jsonSchema": described}}


def _set_own(body: dict[str, Any], payload: Payload) -> None:
    """What only some families of models know goes beside Converse's own words."""
    own = dict(payload.get("additional_model_request_fields") or {})
    if payload.get("top_k") is not None:
        own["top_k"] = payload["top_k"]
    if own:
        body["additionalModelRequestFields"] = own
