"""What is in a chat completion, for those who write it anew in another dialect."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from providers.protocols.usage import Usage, usage_read


class ToolCall(NamedTuple):
    """`place` tells the calls of one answer apart; in a stream the rest comes bit by bit."""

    place: int
    id: str
    name: str
    arguments: str


class Said(NamedTuple):
    """A message, or a stream's delta. `thought` is the reasoning, where the provider shows it."""

    text: str
    thought: str
    refusal: str
    calls: tuple[ToolCall, ...]


def said_in(message: Any) -> Said:
    if not isinstance(message, Mapping):
        return Said("", "", "", ())
    thought = _text(message, "reasoning_content") or _text(message, "reasoning")
    calls = tuple(_calls(message.get("tool_calls")))
    return Said(_text(message, "content"), thought, _text(message, "refusal"), calls)


def choice_of(completion: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice: the dialects that are written from it know no others."""
    choices = completion.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        return {}
    return choices[0]


def usage_in(completion: Mapping[str, Any]) -> Usage | None:
    return usage_read(completion.get("usage")).usage


def bare_id(completion: Mapping[str, Any]) -> str:
    """The id without the prefix that says whose kind it is of."""
    found = completion.get("id")
    bare = found.rpartition("-")[2] if isinstance(found, str) else ""
    return bare.removeprefix("msg_").removeprefix("resp_") or "0"


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    return value if isinstance(value, str) else ""


def _calls(calls: Any) -> Iterator[ToolCall]:
    for place, call in enumerate(calls if isinstance(calls, list) else ()):
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            continue
        index = call.get("index")
        place = index if type(index) is int else place
        yield ToolCall(
            place, _text(call, "id"), _text(function, "name"), _text(function, "arguments")
        )
