"""A chat request in Mistral's terms, which refuses fields that it does not know.

https://docs.mistral.ai/api/endpoint/chat
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from llmhub.base.errors import InvalidRequest
from providers.protocols.chat.asked import (
    fields_left_out,
    max_tokens_of,
    messages_of,
    says_something,
    tool_choice_of,
)
from providers.protocols.chat.content import Media, MediaKind, Part, content_of, text_of
from providers.protocols.wire import Payload

_SAME = (
    "temperature",
    "top_p",
    "top_k",
    "min_tokens",
    "stop",
    "n",
    "tools",
    "parallel_tool_calls",
    "response_format",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logprobs",
    "top_logprobs",
    "prediction",
    "metadata",
    "prompt_cache_key",
    "service_tier",
    "prompt_mode",
    "reasoning_effort",
    "safe_prompt",
    "guardrails",
)
_READ = frozenset(
    {"max_tokens", "max_completion_tokens", "seed", "random_seed", "tool_choice", *_SAME}
)
_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")
_THINKS = re.compile(r"magistral", re.IGNORECASE)


def chat_body(payload: Payload, model: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body, and the names of the fields that Mistral has no word for."""
    conversation = _Conversation(model, "reasoning_effort" in payload)
    messages = [conversation.said(m, f"messages[{i}]") for i, m in enumerate(messages_of(payload))]
    body: dict[str, Any] = {"model": model, "messages": messages}
    if payload.get("stream"):
        body["stream"] = True
    body |= {name: payload[name] for name in _SAME if says_something(payload, name)}
    if max_tokens_of(payload) is not None:
        body["max_tokens"] = max_tokens_of(payload)
    seed = payload.get("random_seed", payload.get("seed"))
    if seed is not None:
        body["random_seed"] = seed
    _choose(payload, body)
    return body, (*fields_left_out(payload, _READ), *conversation.left_out)


def _choose(payload: Payload, body: dict[str, Any]) -> None:
    """`any` is Mistral's word for `required`. One of some tools: the others are not shown."""
    choice = tool_choice_of(payload)
    if choice is None or not body.get("tools"):
        return
    body["tool_choice"] = "any" if choice.mode == "required" else choice.mode
    if len(choice.names) == 1 and choice.mode == "required":
        body["tool_choice"] = {"type": "function", "function": {"name": choice.names[0]}}
    elif choice.names:
        body["tools"] = [t for t in body["tools"] if _name_of(t) in choice.names]


def _name_of(tool: Any) -> Any:
    function = tool.get("function") if isinstance(tool, Mapping) else None
    return function.get("name") if isinstance(function, Mapping) else None


class _Conversation:
    """Messages in Mistral's terms; `left_out` names what they hold besides."""

    def __init__(self, model: str, is_thinking: bool) -> None:
        self._is_thinking = is_thinking or _THINKS.search(model) is not None
        self._left_out: dict[str, None] = {}

    @property
    def left_out(self) -> tuple[str, ...]:
        return tuple(self._left_out)

    def said(self, message: Mapping[str, Any], where: str) -> dict[str, Any]:
        match message.get("role"):
            case "system" | "developer":
                return {"role": "system", "content": text_of(message, where)}
            case "user":
                return {"role": "user", "content": _content(content_of(message, where))}
            case "assistant":
                return self._answered(message, where)
            case "tool":
                return {
                    "role": "tool",
                    "content": text_of(message, where),
                    "tool_call_id": call_id(message.get("tool_call_id")),
                }
            case role:
                words = f"{where}.role is {role!r}, which is not supported."
                raise InvalidRequest(words, field=f"{where}.role")

    def _answered(self, message: Mapping[str, Any], where: str) -> dict[str, Any]:
        """`prefix` is Mistral's own: the answer goes on from these words."""
        said: dict[str, Any] = {"role": "assistant", "content": text_of(message, where)}
        thought = message.get("reasoning_content")
        if thought and not self._is_thinking:
            self._left_out["messages.reasoning_content"] = None
        elif thought:
            thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}
            text = [{"type": "text", "text": said["content"]}] if said["content"] else []
            said["content"] = [thinking, *text]
        if message.get("tool_calls"):
            said["tool_calls"] = [_call(call, where) for call in message["tool_calls"]]
        if message.get("prefix"):
            said["prefix"] = True
        return said


def _call(call: Any, where: str) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping):
        field = f"{where}.tool_calls"
        raise InvalidRequest(f"{field} holds what is not the call of a function.", field=field)
    called = {"name": function.get("name"), "arguments": function.get("arguments") or "{}"}
    return {"id": call_id(call.get("id")), "type": "function", "function": called}


def call_id(given: Any) -> str:
    """Mistral takes ids of nine letters and digits; another one becomes such, always the same."""
    text = str(given or "")
    if _CALL_ID.fullmatch(text):
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:9]


def _content(parts: list[Part]) -> str | list[dict[str, Any]]:
    if not any(isinstance(part, Media) for part in parts):
        return "".join(part.text for part in parts if not isinstance(part, Media))
    return [_part(part) for part in parts]


def _part(part: Part) -> dict[str, Any]:
    if not isinstance(part, Media):
        return {"type": "text", "text": part.text}
    address = part.url or f"data:{part.content_type};base64,{part.data}"
    match part.kind:
        case MediaKind.IMAGE:
            return {"type": "image_url", "image_url": address}
        case MediaKind.FILE:
            return {"type": "document_url", "document_url": address}
        case MediaKind.AUDIO:
            return {"type": "input_audio", "input_audio": part.data}
    raise InvalidRequest(f"{part.where}: Mistral takes no {part.kind}.", field=part.where)
