"""The periods of a budget: days, weeks and months as the tenant's clocks show them, and for good.

A period begins at local midnight. Where a clock change skips that midnight it begins with the first
moment of the day; a day of a clock change has 23 or 25 hours. The periods of a kind follow one
another without a gap and without an overlap.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class PeriodKind(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Period:
    """[`start`, `end`) in UTC; None at either side: without a bound. `key` names it for people and
    for counters: `day-2026-11-23`, `week-2026-11-23` (its Monday), `month-2026-11-01`, `total`."""

    key: str
    start: datetime | None
    end: datetime | None

    def holds(self, moment: datetime) -> bool:
        is_begun = self.start is None or self.start <= moment
        return is_begun and (self.end is None or moment < self.end)


FOR_GOOD = Period("total", None, None)


def period_at(kind: PeriodKind, zone_name: str, moment: datetime) -> Period:
    """The period in which the moment lies. A zone that nobody knows is taken for UTC."""
    if kind is PeriodKind.TOTAL:
        return FOR_GOOD
    period = _period(kind, zone_name, moment.astimezone(_zone(zone_name)).date())
    # Where clocks go back over midnight the earlier date is shown twice.
    while period.end is not None and moment >= period.end:
        period = _period(kind, zone_name, period.end.astimezone(_zone(zone_name)).date())
    return period


@lru_cache(maxsize=4096)
def _period(kind: PeriodKind, zone_name: str, day: date) -> Period:
    first = _first_day(kind, day)
    zone = _zone(zone_name)
    start, end = _midnight(first, zone), _midnight(_next_first_day(kind, first), zone)
    return Period(f"{kind}-{first.isoformat()}", start, end)


def _first_day(kind: PeriodKind, day: date) -> date:
    if kind is PeriodKind.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if kind is PeriodKind.MONTH else day


def _next_first_day(kind: PeriodKind, first: date) -> date:
    if kind is PeriodKind.MONTH:
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=7 if kind is PeriodKind.WEEK else 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
