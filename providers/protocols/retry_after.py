"""How long a provider asks us to wait.

https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
"""

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

MAX_WAIT_S = 86_400.0


def retry_after_read(headers: Mapping[str, str]) -> float | None:
    """Seconds from now, at most a day; None where nothing usable was said.

    `retry-after-ms` (OpenAI, Azure) goes before `retry-after`, which holds seconds or an HTTP date.
    A date is compared with the reply's own `date`, so that a clock that is wrong does no harm.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is None and text:
        seconds = _seconds_until(text, headers.get("date"))
    return None if seconds is None else _bounded(seconds)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seconds_until(date: str, reply_date: str | None) -> float | None:
    then = _timestamp(date)
    if then is None:
        return None
    now = _timestamp(reply_date) if reply_date else None
    return then - (time.time() if now is None else now)


def _timestamp(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_WAIT_S)
