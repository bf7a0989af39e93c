"""Time zones: when a tenant's days begin, and how fine its hourly sums must be for that."""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

_YEARS = range(2020, 2061)


@lru_cache(maxsize=512)
def bucket_minutes(zone: str) -> int:
    """The widest of 60, 30 and 15 minutes in which no day of the zone begins half-way.

    The sums of an hour are kept by UTC's hours. Where a zone is off them by half an hour (India) or
    by a quarter (Nepal), its tenants' hours are kept in as many parts, so that days stay exact.
    """
    moments = (datetime(year, month, 1, tzinfo=UTC) for year in _YEARS for month in range(1, 13))
    info = ZoneInfo(zone)
    offsets = {moment.astimezone(info).utcoffset() for moment in moments}
    minutes = {int(offset.total_seconds()) // 60 % 60 for offset in offsets if offset is not None}
    if minutes == {0}:
        return 60
    return 30 if minutes <= {0, 30} else 15


def day_starts(day: date, zone: str) -> datetime:
    """The first moment of a day in the zone, in UTC. A midnight that is skipped by the clock begins
    when the clock goes on."""
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
