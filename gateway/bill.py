"""What an attempt has cost: the provider's figures, or else our own count."""

import time
from dataclasses import replace

from gateway.call import CALLER_GONE, Attempt, Call
from gateway.sync_units import SyncUnits
from providers.billing import settled_cost
from providers.pricing import price_in_force
from providers.protocols.wire import Usage


async def bill(call: Call, units: SyncUnits, *, is_caller_gone: bool = False) -> None:
    """Settle usage and cost of the call's last attempt; the ones before it failed and cost nothing.

    What the provider reported counts, unless it reported nothing or what cannot be true: then
    prompt and answer are counted and the attempt is marked as estimated. A stream that broke off,
    or whose caller went away, is billed for what was generated so far, and never for nothing.
    """
    if not call.attempts:
        return
    attempt = call.attempts[-1]
    attempt.ended = attempt.ended or time.monotonic()
    if is_caller_gone:
        attempt.error_kind = CALLER_GONE
    if attempt.failure is not None and attempt.first_byte is None:
        return
    await _settle_usage(call, attempt, units)
    _price(attempt)


async def _settle_usage(call: Call, attempt: Attempt, units: SyncUnits) -> None:
    reader = attempt.reader
    reported = attempt.reported if reader is None else reader.usage
    if reported is not None and (reader is None or reader.is_done):
        attempt.usage = reported
        return
    if reader is not None:
        attempt.is_usage_refused = reader.usage_report.is_impossible
    counted = await units.compute(_count, call, attempt)
    attempt.usage = counted if reported is None else _at_least(reported, counted)
    attempt.is_estimated = attempt.usage != reported


def _count(call: Call, attempt: Attempt) -> Usage:
    text = attempt.text if attempt.reader is None else attempt.reader.output_text
    return call.endpoint.estimate(call.payload, text)


def _at_least(reported: Usage, counted: Usage) -> Usage:
    """A figure that came before the end covers the answer up to there: the rest is counted."""
    if reported.output_tokens >= counted.output_tokens:
        return reported
    return replace(reported, output_tokens=counted.output_tokens)


def _price(attempt: Attempt) -> None:
    """From the price in force when the attempt began; without one the cost stays unknown."""
    price = price_in_force(attempt.model.prices, attempt.at)
    attempt.cost_usd = settled_cost(attempt.usage, price)
    if price is not None and attempt.cost_usd is not None:
        attempt.price_source = price.source
