"""A chat request in Ollama's terms. https://docs.ollama.com/api/chat"""

from collections.abc import Mapping
from typing import Any

from llmhub.base.errors import InvalidRequest
from providers.protocols.chat.asked import (
    Function,
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
from providers.protocols.chat.content import Media, MediaKind, content_of, text_of
from providers.protocols.wire import Payload

# https://docs.ollama.com/modelfile#valid-parameters-and-values
_OPTIONS = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "repeat_penalty",
    "repeat_last_n",
    "num_ctx",
)
_READ = frozenset(
    {
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "tools",
        "tool_choice",
        "response_format",
        "reasoning_effort",
        "think",
        "keep_alive",
        "options",
        "logprobs",
        "top_logprobs",
        *_OPTIONS,
    }
)
_EFFORTS: Mapping[str, bool | str] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}


def chat_body(payload: Payload, model: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body, and the names of the fields that Ollama has no word for."""
    names: dict[str, str] = {}
    messages = [_message(m, f"messages[{i}]", names) for i, m in enumerate(messages_of(payload))]
    body: dict[str, Any] = {"model": model, "messages": messages}
    body["stream"] = bool(payload.get("stream"))
    functions, unsaid = _functions(payload)
    if functions:
        body["tools"] = [_declared(each) for each in functions]
    wanted = json_output_of(payload)
    if wanted is not None:
        body["format"] = "json" if wanted.schema is None else wanted.schema
    options = _options(payload)
    if options:
        body["options"] = options
    for name in ("keep_alive", "logprobs", "top_logprobs"):
        if says_something(payload, name):
            body[name] = payload[name]
    thinking = _think(payload)
    if thinking is not None:
        body["think"] = thinking
    strict = ("tools.function.strict",) if any(each.is_strict for each in functions) else ()
    return body, (*fields_left_out(payload, _READ), *unsaid, *strict)


def _message(message: Mapping[str, Any], where: str, names: dict[str, str]) -> dict[str, Any]:
    match message.get("role"):
        case "system" | "developer":
            return {"role": "system", "content": text_of(message, where)}
        case "user":
            return _asked(message, where)
        case "assistant":
            return _said(message, where, names)
        case "tool":
            return _result(message, where, names)
        case role:
            words = f"{where}.role is {role!r}, which is not supported."
            raise InvalidRequest(words, field=f"{where}.role")


def _asked(message: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Images stand beside the text. Ollama fetches nothing, so they must be in the request."""
    parts = content_of(message, where)
    text = "".join(part.text for part in parts if not isinstance(part, Media))
    images = [_image(part) for part in parts if isinstance(part, Media)]
    return {"role": "user", "content": text, **({"images": images} if images else {})}


def _image(media: Media) -> str:
    if media.kind is not MediaKind.IMAGE:
        message = f"{media.where}: Ollama takes texts and images, no {media.kind}."
        raise InvalidRequest(message, field=media.where)
    if not media.data:
        message = f"{media.where}: Ollama fetches no images: send it as a data: URL."
        raise InvalidRequest(message, field=media.where)
    return media.data


def _said(message: Mapping[str, Any], where: str, names: dict[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {"role": "assistant", "content": text_of(message, where)}
    thought = message.get("reasoning_content")
    if isinstance(thought, str) and thought:
        said["thinking"] = thought
    calls = tool_calls_of(message, where)
    names.update({call.id: call.name for call in calls})
    if calls:
        said["tool_calls"] = [
            {"id": c.id, "function": {"name": c.name, "arguments": c.arguments}} for c in calls
        ]
    return said


def _result(message: Mapping[str, Any], where: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Ollama knows a result by the tool's name; newer versions by the call's id too."""
    call_id = message.get("tool_call_id")
    name = names.get(call_id) if isinstance(call_id, str) else None
    if name is None:
        field = f"{where}.tool_call_id"
        raise InvalidRequest(f"{field} answers no call of the messages before.", field=field)
    said = {"role": "tool", "content": text_of(message, where)}
    return {**said, "tool_name": name, "tool_call_id": call_id}


def _functions(payload: Payload) -> tuple[list[Function], tuple[str, ...]]:
    """Ollama's models choose for themselves: the tools that must not be called are not shown, and
    that one must be called cannot be said."""
    functions, choice = functions_of(payload), tool_choice_of(payload)
    if choice is None or choice.mode == "none":
        return ([] if choice else functions), ()
    if choice.names:
        functions = [each for each in functions if each.name in choice.names]
    return functions, ("tool_choice",) if choice.mode == "required" else ()


def _declared(function: Function) -> dict[str, Any]:
    parameters = function.parameters or {"type": "object", "properties": {}}
    declared = {
        "name": function.name,
        "description": function.description,
        "parameters": parameters,
    }
    return {"type": "function", "function": declared}


def _options(payload: Payload) -> dict[str, Any]:
    """Ollama's `options` may be given as they are, and what is said in the hub's terms adds up."""
    given = payload.get("options")
    if given is not None and not isinstance(given, Mapping):
        raise InvalidRequest("options is not an object.", field="options")
    options = dict(given or {})
    options |= {name: payload[name] for name in _OPTIONS if payload.get(name) is not None}
    if max_tokens_of(payload) is not None:
        options["num_predict"] = max_tokens_of(payload)
    if stops_of(payload):
        options["stop"] = stops_of(payload)
    return options


def _think(payload: Payload) -> Any:
    if payload.get("think") is not None:
        return payload["think"]
    effort = payload.get("reasoning_effort")
    if effort is None:
        return None
    if effort not in _EFFORTS:
        message = "reasoning_effort is none, minimal, low, medium, high or xhigh."
        raise InvalidRequest(message, field="reasoning_effort")
    return _EFFORTS[effort]
