"""A usage event on its way from the gateway to the ledger: its shape, and what is let in.

The gateway writes events to a stream in Valkey; the drain reads them there and trusts nothing. The
ids are the hub's own, so a repeated event is recognised.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from llmhub.base.model_types import ModelType

STREAM = "hub:usage"
FIELD = b"e"
"""The one field of a stream entry: a JSON list, the events of one request."""

MAX_TOKENS = 10**12
_MAX_MS = 2**31 - 1
_LENGTHS = {"llm_factory": 128, "connection_name": 63, "llm_name": 255, "error_kind": 32}
_MODEL_TYPES = frozenset(t.value for t in ModelType)


class ImpossibleEvent(ValueError):
    """What stands there cannot be a usage event; says which part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFacts:
    """One attempt that reached a provider. Fields and units are those of the UsageEvent row."""

    id: UUID
    request_id: UUID
    tenant_id: UUID
    at: datetime
    access_token_id: UUID
    connection_id: UUID
    connection_name: str
    is_shared: bool
    llm_factory: str
    llm_name: str
    model_type: str
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimated: bool = False
    is_streamed: bool = False
    http_status: int
    error_kind: str = ""
    latency_ms: int
    first_byte_ms: int | None = None


def events_dump(events: list[UsageFacts]) -> bytes:
    """The value of FIELD."""
    return orjson.dumps(events)


def events_parse(text: bytes) -> list[UsageFacts]:
    """Raises ImpossibleEvent for anything that `events_dump` would not write."""
    try:
        rows = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ImpossibleEvent("not JSON") from None
    if not isinstance(rows, list):
        raise ImpossibleEvent("not a list of events")
    return [_parse(row) for row in rows]


_IDS = ("id", "request_id", "tenant_id", "access_token_id", "connection_id")
_TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
_NAMES = tuple(field.name for field in fields(UsageFacts))


def _parse(row: Any) -> UsageFacts:
    """A field that is not ours is left out: during an upgrade the gateway may be the newer one."""
    if not isinstance(row, dict) or not row.keys() >= set(_NAMES):
        raise ImpossibleEvent("not the fields of an event")
    values = {name: row[name] for name in _NAMES}
    for name in _IDS:
        values[name] = _uuid(name, row[name])
    values["at"] = _moment(row["at"])
    for name in _TOKENS:
        _require_count(name, row[name], MAX_TOKENS)
    _require_count("http_status", row["http_status"], 999)
    _require_count("latency_ms", row["latency_ms"], _MAX_MS)
    if row["first_byte_ms"] is not None:
        _require_count("first_byte_ms", row["first_byte_ms"], _MAX_MS)
    _require_texts_and_flags(row)
    return UsageFacts(**values)


def _uuid(name: str, text: Any) -> UUID:
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        raise ImpossibleEvent(f"{name} is not a UUID") from None


def _moment(text: Any) -> datetime:
    """With a time zone, and of this era: a day of the year 9999 would never be reported on."""
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise ImpossibleEvent("at is not a time") from None
    if moment.tzinfo is None or not 2020 <= moment.year <= 2200:
        raise ImpossibleEvent("at is not a time of this era with its zone")
    return moment.astimezone(UTC)


def _require_count(name: str, value: Any, most: int) -> None:
    if type(value) is not int or not 0 <= value <= most:
        raise ImpossibleEvent(f"{name} is not a count")


def _require_texts_and_flags(row: dict[str, Any]) -> None:
    for name, length in _LENGTHS.items():
        text = row[name]
        if not isinstance(text, str) or len(text) > length or "\0" in text:
            raise ImpossibleEvent(f"{name} is not a text of at most {length} characters")
    if not isinstance(row["model_type"], str) or row["model_type"] not in _MODEL_TYPES:
        raise ImpossibleEvent("model_type is none that the hub knows")
    for name in ("is_shared", "is_estimated", "is_streamed"):
        if type(row[name]) is not bool:
            raise ImpossibleEvent(f"{name} is not true or false")
