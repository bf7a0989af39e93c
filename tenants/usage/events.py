"""A usage event on its way from the gateway to the ledger: its shape, and what is let in.

The gateway writes events to a stream in Valkey; the drain reads them there and trusts nothing. The
ids are the hub's own, so a repeated event is recognised.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from llmhub.base.model_types import ModelType

STREAM = "hub:usage"
FIELD = b"e"
"""The one field of a stream entry: a JSON list, the events of one request."""

MAX_TOKENS = 10**12
MAX_ATTEMPTS = 255
MAX_COST_USD = Decimal(10**10)
MAX_SEALED_TEXT = 1_000_000
_MAX_MS = 2**31 - 1
_MODEL_TYPES = frozenset(t.value for t in ModelType)


class ImpossibleEvent(ValueError):
    """What stands there cannot be a usage event; says which part."""


class UsageFacts(NamedTuple):
    """One attempt that reached a provider, or attempt 0: a request that reached none.

    Fields and units are those of the UsageEvent row. An event stands in the stream as the list of
    its values: new fields are added at the end, with a default, and none is ever moved. A tuple, as
    one is made, written and read for each call: a dataclass took three times the time.
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


NAMES = UsageFacts._fields


def events_dump(events: list[UsageFacts]) -> bytes:
    """The value of FIELD."""
    return orjson.dumps([tuple(event) for event in events], default=str)


def events_parse(text: bytes) -> list[UsageFacts]:
    """Raises ImpossibleEvent for anything that `events_dump` would not write.

    During an upgrade the gateway may be the older one, and leave new fields out, or the newer one:
    values behind those that are known are left.
    """
    try:
        rows = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ImpossibleEvent("not JSON") from None
    if not isinstance(rows, list):
        raise ImpossibleEvent("not a list of events")
    return [_parse(row) for row in rows]


def _parse(row: Any) -> UsageFacts:
    if not isinstance(row, list) or len(row) < _REQUIRED:
        raise ImpossibleEvent("not the values of an event")
    return UsageFacts(*[check(value) for check, value in zip(_CHECKS, row, strict=False)])


Check = Callable[[Any], Any]


def _is_id(name: str) -> Check:
    @lru_cache(maxsize=10_000)
    def known(text: str) -> UUID:
        return UUID(text)

    def check(value: Any) -> UUID:
        try:
            return known(value)
        except (ValueError, TypeError, AttributeError):
            raise ImpossibleEvent(f"{name} is not a UUID") from None

    return check


def _is_count(name: str, most: int, *, is_optional: bool = False) -> Check:
    def check(value: Any) -> int | None:
        if type(value) is int and 0 <= value <= most:
            return value
        if value is None and is_optional:
            return None
        raise ImpossibleEvent(f"{name} is not a count")

    return check


def _is_text(name: str, length: int, *, is_optional: bool = False) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is str and len(value) <= length and "\0" not in value:
            return value
        if value is None and is_optional:
            return None
        raise ImpossibleEvent(f"{name} is not a text of at most {length} characters")

    return check


def _is_flag(name: str) -> Check:
    def check(value: Any) -> bool:
        if value is True or value is False:
            return bool(value)
        raise ImpossibleEvent(f"{name} is not true or false")

    return check


def _moment(text: Any) -> datetime:
    """With a time zone, and of this era: a day of the year 9999 would never be reported on."""
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise ImpossibleEvent("at is not a time") from None
    if moment.tzinfo is None or not 2020 <= moment.year <= 2200:
        raise ImpossibleEvent("at is not a time of this era with its zone")
    return moment.astimezone(UTC)


def _cost(text: Any) -> Decimal | None:
    if text is None:
        return None
    try:
        cost = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        cost = None
    if cost is None or not cost.is_finite() or not 0 <= cost < MAX_COST_USD:
        raise ImpossibleEvent("cost_usd is not an amount")
    return cost


def _model_type(text: Any) -> str:
    if not isinstance(text, str) or text not in _MODEL_TYPES:
        raise ImpossibleEvent("model_type is none that the hub knows")
    return text


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
_FLAGS = ("is_shared", "is_estimated", "is_usage_refused", "is_streamed", "is_result")
_OPTIONAL = frozenset({"first_byte_ms", "result_status", "sealed_text"})
_BY_NAME: dict[str, Check] = {
    **{name: _is_id(name) for name in _IDS},
    **{n: _is_count(n, most, is_optional=n in _OPTIONAL) for n, most in _COUNTS.items()},
    **{n: _is_text(n, length, is_optional=n in _OPTIONAL) for n, length in _LENGTHS.items()},
    **{name: _is_flag(name) for name in _FLAGS},
    "at": _moment,
    "cost_usd": _cost,
    "model_type": _model_type,
}
_CHECKS = tuple(_BY_NAME[name] for name in NAMES)
_REQUIRED = len(NAMES) - len(UsageFacts._field_defaults)
