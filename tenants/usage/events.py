"""A usage event on its way from the gateway to the ledger: its shape, and what is let in.

The gateway writes events to a stream in Valkey; the drain reads them there and trusts nothing. The
ids are the hub's own, so a repeated event is recognised.
"""

from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from llmhub.base.model_types import ModelType

STREAM = "hub:usage"
FIELD = b"e"
"""The one field of a stream entry: a JSON list, the events of one request."""

MAX_TOKENS = 10**12
MAX_ATTEMPTS = 255
MAX_COST_USD = Decimal(10**10)
MAX_SEALED_TEXT = 400_000
_MAX_MS = 2**31 - 1
_MODEL_TYPES = frozenset(t.value for t in ModelType)


class ImpossibleEvent(ValueError):
    """What stands there cannot be a usage event; says which part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFacts:
    """One attempt that reached a provider, or attempt 0: a request that reached none.

    Fields and units are those of the UsageEvent row; a field with a default is left out of the
    stream where it has it.
    """

    id: UUID
    request_id: UUID
    tenant_id: UUID
    at: datetime
    access_token_id: UUID
    connection_id: UUID
    model_type: str
    http_status: int
    latency_ms: int
    attempt: int = 1
    connection_name: str = ""
    is_shared: bool = False
    llm_factory: str = ""
    llm_name: str = ""
    route: str = ""
    endpoint: str = ""
    model_asked: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cache_write_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    images: int = 0
    characters: int = 0
    audio_ms: int = 0
    cost_usd: Decimal | None = None
    price_source: str = ""
    is_estimated: bool = False
    is_usage_refused: bool = False
    is_streamed: bool = False
    error_kind: str = ""
    first_byte_ms: int | None = None
    is_result: bool = True
    result_status: int | None = None
    result_code: str = ""
    sealed_text: str | None = None


def event_id(request_id: UUID, attempt: int) -> UUID:
    """Request ids are uuid7s of ours: the attempts of one request follow it in the ledger's order,
    and nothing stands between them."""
    return UUID(int=request_id.int + attempt)


NAMES = tuple(field.name for field in fields(UsageFacts))
_REQUIRED = frozenset(field.name for field in fields(UsageFacts) if field.default is MISSING)
_DEFAULTS = {f.name: f.default for f in fields(UsageFacts) if f.name not in _REQUIRED}
_ALWAYS = tuple(name for name in NAMES if name in _REQUIRED)
_always_of = attrgetter(*_ALWAYS)
_others_of = attrgetter(*_DEFAULTS)
_OTHERS = tuple(_DEFAULTS.items())


def events_dump(events: list[UsageFacts]) -> bytes:
    """The value of FIELD."""
    return orjson.dumps([_compact(event) for event in events], default=str)


def _compact(event: UsageFacts) -> dict[str, Any]:
    row = dict(zip(_ALWAYS, _always_of(event), strict=True))
    for (name, default), value in zip(_OTHERS, _others_of(event), strict=True):
        if value != default:
            row[name] = value
    return row


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
_COUNTS = {
    "input_tokens": MAX_TOKENS,
    "output_tokens": MAX_TOKENS,
    "cached_tokens": MAX_TOKENS,
    "reasoning_tokens": MAX_TOKENS,
    "cache_write_tokens": MAX_TOKENS,
    "input_audio_tokens": MAX_TOKENS,
    "output_audio_tokens": MAX_TOKENS,
    "images": MAX_TOKENS,
    "characters": MAX_TOKENS,
    "audio_ms": MAX_TOKENS,
    "attempt": MAX_ATTEMPTS,
    "http_status": 999,
    "result_status": 999,
    "latency_ms": _MAX_MS,
    "first_byte_ms": _MAX_MS,
}
_LENGTHS = {
    "llm_factory": 100,
    "connection_name": 63,
    "llm_name": 200,
    "route": 128,
    "endpoint": 64,
    "model_asked": 200,
    "price_source": 20,
    "error_kind": 32,
    "result_code": 64,
    "sealed_text": MAX_SEALED_TEXT,
}
_FLAGS = frozenset({"is_shared", "is_estimated", "is_usage_refused", "is_streamed", "is_result"})
_MAY_BE_NULL = frozenset({"first_byte_ms", "result_status", "cost_usd", "sealed_text"})


def _parse(row: Any) -> UsageFacts:
    """A field that is not ours is left out: during an upgrade the gateway may be the newer one."""
    if not isinstance(row, dict) or not row.keys() >= _REQUIRED:
        raise ImpossibleEvent("not the fields of an event")
    values = {}
    for name, value in row.items():
        if value is None and name in _MAY_BE_NULL:
            continue
        if name in _COUNTS:
            if type(value) is not int or not 0 <= value <= _COUNTS[name]:
                raise ImpossibleEvent(f"{name} is not a count")
        elif name in _LENGTHS:
            _require_text(name, value)
        elif name in _FLAGS:
            if type(value) is not bool:
                raise ImpossibleEvent(f"{name} is not true or false")
        elif name not in _READ:
            continue
        values[name] = value
    for name, read in _READ.items():
        if name in values:
            values[name] = read(name, values[name])
    return UsageFacts(**values)


def _require_text(name: str, value: Any) -> None:
    if not isinstance(value, str) or len(value) > _LENGTHS[name] or "\0" in value:
        raise ImpossibleEvent(f"{name} is not a text of at most {_LENGTHS[name]} characters")


def _uuid(name: str, text: Any) -> UUID:
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        raise ImpossibleEvent(f"{name} is not a UUID") from None


def _moment(name: str, text: Any) -> datetime:
    """With a time zone, and of this era: a day of the year 9999 would never be reported on."""
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise ImpossibleEvent(f"{name} is not a time") from None
    if moment.tzinfo is None or not 2020 <= moment.year <= 2200:
        raise ImpossibleEvent(f"{name} is not a time of this era with its zone")
    return moment.astimezone(UTC)


def _cost(name: str, text: Any) -> Decimal:
    try:
        cost = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        cost = None
    if cost is None or not cost.is_finite() or not 0 <= cost < MAX_COST_USD:
        raise ImpossibleEvent(f"{name} is not an amount")
    return cost


def _model_type(name: str, text: Any) -> str:
    if not isinstance(text, str) or text not in _MODEL_TYPES:
        raise ImpossibleEvent(f"{name} is none that the hub knows")
    return text


_READ = {
    **dict.fromkeys(_IDS, _uuid),
    "at": _moment,
    "cost_usd": _cost,
    "model_type": _model_type,
}
