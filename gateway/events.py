"""What the ledger is told of a call: an event for each attempt, and one for a call without any."""

import time
from datetime import UTC, datetime
from uuid import UUID

from gateway.call import Attempt, Call
from providers.billing import NO_COST
from tenants.usage.events import MAX_ATTEMPTS, UsageFacts, event_id

MAX_ASKED = 200
"""Characters that are kept of a model's name that nobody may have."""
REFUSED = "refused"
"""The error kind of a call that reached no provider; the result's code says why."""
_NOWHERE = UUID(int=0)


def events_of(call: Call) -> list[UsageFacts]:
    """The last attempt's event has the result of the call. A call that was refused before any
    attempt leaves one event, attempt 0, so that its caller finds it."""
    if not call.attempts:
        return [_refusal(call)] if call.result_status else []
    last = len(call.attempts)
    asked = _asked(call)
    # What would not fit any more has long said what it could.
    return [
        _event(call, attempt, number, asked, is_result=number == last)
        for number, attempt in enumerate(call.attempts, start=1)
        if number <= MAX_ATTEMPTS or number == last
    ]


def _event(call: Call, attempt: Attempt, number: int, asked: str, *, is_result: bool) -> UsageFacts:
    model, usage = attempt.model, attempt.usage
    connection = model.connection
    started, first = attempt.started, attempt.first_byte
    number = min(number, MAX_ATTEMPTS)
    return UsageFacts(
        event_id(call.request_id, number),
        call.request_id,
        call.tenant_id,
        attempt.at,
        call.token.id,
        connection.id,
        model.model_type,
        attempt.http_status,
        _ms(started, attempt.ended or time.monotonic()),
        number,
        connection.name,
        connection.is_shared,
        connection.llm_factory,
        model.llm_name,
        call.route,
        call.path,
        asked,
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.reasoning_tokens,
        usage.cache_write_tokens,
        usage.input_audio_tokens,
        usage.output_audio_tokens,
        usage.images,
        usage.characters,
        usage.audio_ms,
        attempt.cost_usd,
        attempt.price_source,
        attempt.is_estimated,
        attempt.is_usage_refused,
        call.is_streamed,
        attempt.error_kind,
        None if first is None else _ms(started, first),
        is_result,
        call.result_status if is_result else None,
        call.result_code if is_result else "",
        _sealed(call, attempt, number) if is_result else None,
    )


def _sealed(call: Call, attempt: Attempt, number: int) -> str | None:
    """Prompt and answer, where the tenant keeps them; a few microseconds where it does."""
    if call.text_seal is None:
        return None
    answer = attempt.text if attempt.reader is None else attempt.reader.output_text
    return call.text_seal.seal(event_id(call.request_id, number), call.payload, answer)


def _refusal(call: Call) -> UsageFacts:
    return UsageFacts(
        id=call.request_id,
        request_id=call.request_id,
        tenant_id=call.tenant_id,
        at=datetime.now(UTC),
        access_token_id=call.token.id,
        connection_id=_NOWHERE,
        model_type=call.endpoint.model_type,
        http_status=0,
        latency_ms=0,
        attempt=0,
        route=call.route,
        endpoint=call.path,
        model_asked=_asked(call),
        cost_usd=NO_COST,
        is_streamed=call.is_streamed,
        error_kind=REFUSED,
        result_status=call.result_status,
        result_code=call.result_code,
    )


def _asked(call: Call) -> str:
    name = call.payload.get("model")
    return name.replace("\0", "")[:MAX_ASKED] if isinstance(name, str) else ""


def _ms(since: float, until: float) -> int:
    return round((until - since) * 1000)
