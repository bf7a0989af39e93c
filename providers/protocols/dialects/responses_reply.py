"""A chat completion as a response of OpenAI's Responses dialect.

https://platform.openai.com/docs/api-reference/responses/object
"""

import time
from collections.abc import Mapping
from typing import Any

from providers.protocols.dialects.completions_read import (
    Said,
    ToolCall,
    bare_id,
    choice_of,
    said_in,
    usage_in,
)
from providers.protocols.dialects.usage_words import usage_in_responses
from providers.protocols.failures import FailureKind, ProviderFailure
from providers.protocols.usage import Usage
from providers.protocols.wire import Payload

Item = dict[str, Any]

# What a response repeats of its request, and what it says where the request did not.
_REPEATED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_ERROR_CODES = {
    FailureKind.RATE_LIMITED: "rate_limit_exceeded",
    FailureKind.OUT_OF_QUOTA: "rate_limit_exceeded",
    FailureKind.BAD_REQUEST: "invalid_prompt",
    FailureKind.CONTENT_REFUSED: "invalid_prompt",
}


def response_of(completion: Mapping[str, Any], asked: Payload) -> dict[str, Any]:
    choice = choice_of(completion)
    message = choice.get("message")
    bare = bare_id(completion)
    reason = choice.get("finish_reason")
    items = output_items(said_in(message), bare, logprobs_in(choice), status_of(reason))
    ended = response_end(reason, items, usage_in(completion))
    return {**response_head(completion, asked, bare), **ended}


def response_head(completion: Mapping[str, Any], asked: Payload, bare: str) -> dict[str, Any]:
    """A response that has just begun. Nothing is stored, whatever the caller asked for."""
    created = completion.get("created")
    repeated = {
        name: default if asked.get(name) is None else asked[name]
        for name, default in _REPEATED.items()
    }
    return {
        "id": f"resp_{bare}",
        "object": "response",
        "created_at": created if type(created) is int and created else int(time.time()),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": completion.get("model") or asked.get("model") or "",
        "output": [],
        "store": False,
        **repeated,
        "usage": None,
    }


def response_end(reason: Any, items: list[Item], usage: Usage | None) -> dict[str, Any]:
    """What differs from the head once the answer is over."""
    cut = _INCOMPLETE.get(str(reason))
    return {
        "status": status_of(reason),
        "incomplete_details": {"reason": cut} if cut else None,
        "output": items,
        "usage": usage_in_responses(usage),
    }


def status_of(reason: Any) -> str:
    return "incomplete" if str(reason) in _INCOMPLETE else "completed"


def response_failure(failure: ProviderFailure) -> dict[str, Any]:
    """What differs from the head where the answer broke off."""
    code = _ERROR_CODES.get(failure.kind, "server_error")
    return {"status": "failed", "error": {"code": code, "message": failure.message}}


def output_items(said: Said, bare: str, logprobs: list[Any], status: str) -> list[Item]:
    """What was said; where it was cut, it was so in the middle of the last item."""
    items: list[Item] = []
    if said.thought:
        items.append(reasoning_item(bare, said.thought))
    if said.text or said.refusal or not said.calls:
        parts = [text_part(said.text, logprobs)] if said.text or not said.refusal else []
        if said.refusal:
            parts.append(refusal_part(said.refusal))
        items.append(message_item(bare, parts))
    items += [call_item(bare, call) for call in said.calls]
    return [*items[:-1], {**items[-1], "status": status}]


def reasoning_item(bare: str, text: str, status: str = "completed") -> Item:
    content = [{"type": "reasoning_text", "text": text}] if text else []
    head = {"id": f"rs_{bare}", "type": "reasoning", "summary": []}
    return {**head, "content": content, "status": status}


def message_item(bare: str, parts: list[Item], status: str = "completed") -> Item:
    head = {"id": f"msg_{bare}", "type": "message", "role": "assistant"}
    return {**head, "status": status, "content": parts}


def call_item(bare: str, call: ToolCall, status: str = "completed") -> Item:
    return {
        "id": f"fc_{bare}_{call.place}",
        "type": "function_call",
        "status": status,
        "call_id": call.id or f"call_{bare}_{call.place}",
        "name": call.name,
        "arguments": call.arguments,
    }


def text_part(text: str, logprobs: list[Any]) -> Item:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def refusal_part(refusal: str) -> Item:
    return {"type": "refusal", "refusal": refusal}


def logprobs_in(choice: Mapping[str, Any]) -> list[Any]:
    found = choice.get("logprobs")
    content = found.get("content") if isinstance(found, Mapping) else None
    return content if isinstance(content, list) else []
