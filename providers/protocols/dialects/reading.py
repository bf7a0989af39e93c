"""Reading a caller's request: what is not of its dialect's shape is refused by name."""

from collections.abc import Mapping
from typing import Any

import orjson

from llmhub.base.errors import InvalidRequest, NotSupported

Object = Mapping[str, Any]


def wrong(field: str, wants: str) -> InvalidRequest:
    return InvalidRequest(f"{field} {wants}.", field=field)


def unsayable(field: str, what: str) -> NotSupported:
    """What the model's provider has no word for, and what would change the answer if left out."""
    return NotSupported(f"{field}: {what}.", code="not_supported", details={"field": field})


def object_read(value: Any, field: str) -> Object:
    if not isinstance(value, Mapping):
        raise wrong(field, "is not an object")
    return value


def objects_read(value: Any, field: str) -> list[Object]:
    if not isinstance(value, list):
        raise wrong(field, "is not a list")
    return [object_read(item, f"{field}[{place}]") for place, item in enumerate(value)]


def text_read(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise wrong(field, "is not a text")
    return value


def is_silent(value: Any) -> bool:
    """A value that asks for nothing: leaving it out changes nothing."""
    return value is None or value is False or value == [] or value == {}


def data_url(media_type: str, data: str) -> str:
    """https://www.rfc-editor.org/rfc/rfc2397"""
    return f"data:{media_type};base64,{data}"


def data_url_split(url: str) -> tuple[str, str] | None:
    """Media type and base64 data; None for another kind of URL."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return head[5:-7].partition(";")[0], data


def arguments_object(arguments: Any) -> dict[str, Any]:
    """A tool call's arguments as an object. What a model wrote that is none is kept under a name of
    its own, as Anthropic advises for invalid JSON."""
    if not isinstance(arguments, str):
        return dict(arguments) if isinstance(arguments, Mapping) else {}
    if not arguments.strip():
        return {}
    try:
        found = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        found = None
    return found if isinstance(found, dict) else {"INVALID_JSON": arguments}
