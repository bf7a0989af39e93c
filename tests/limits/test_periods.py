"""Periods follow one another without a gap in every time zone, clock changes included."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.limits.periods import FOR_GOOD, PeriodKind, period_at
from tests.properties import untimed

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Africa/Cairo",
    "America/Santiago",
    "America/Havana",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
)
BOUND = (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH)


@pytest.mark.parametrize(
    ("kind", "zone", "moment", "start", "end"),
    [
        ("day", "UTC", "2026-05-04T12:00Z", "2026-05-04T00:00Z", "2026-05-05T00:00Z"),
        # 23 hours, 25 hours.
        ("day", "Europe/Berlin", "2026-03-29T12:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("day", "Europe/Berlin", "2026-10-25T12:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        ("week", "UTC", "2026-05-03T23:59Z", "2026-04-27T00:00Z", "2026-05-04T00:00Z"),
        ("month", "Asia/Kathmandu", "2026-01-31T18:15Z", "2026-01-31T18:15Z", "2026-02-28T18:15Z"),
        # A month with both of its ends in another offset.
        (
            "month",
            "America/New_York",
            "2026-03-08T07:00Z",
            "2026-03-01T05:00Z",
            "2026-04-01T04:00Z",
        ),
        # Clocks go forward at midnight: the day begins at one.
        ("day", "Africa/Cairo", "2026-04-24T12:00Z", "2026-04-23T22:00Z", "2026-04-24T21:00Z"),
        ("day", "Nowhere/Atall", "2026-05-04T12:00Z", "2026-05-04T00:00Z", "2026-05-05T00:00Z"),
    ],
)
def test_it_begins_and_ends_at_local_midnight(kind, zone, moment, start, end):
    period = period_at(PeriodKind(kind), zone, datetime.fromisoformat(moment))
    assert period.start == datetime.fromisoformat(start)
    assert period.end == datetime.fromisoformat(end)


def test_for_good_has_no_end():
    assert period_at(PeriodKind.TOTAL, "UTC", datetime.now(UTC)) is FOR_GOOD


@untimed
@given(
    kind=st.sampled_from(BOUND),
    zone=st.sampled_from(ZONES),
    minute=st.integers(0, 20 * 366 * 24 * 60),
)
def test_every_moment_lies_in_one_period(kind, zone, minute):
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    period = period_at(kind, zone, moment)
    assert period.holds(moment)
    assert period.start is not None
    assert period.end is not None
    following = period_at(kind, zone, period.end)
    assert following.start == period.end
    assert following.key > period.key
    last = period_at(kind, zone, period.end - timedelta(microseconds=1))
    assert last == period
    local = period.start.astimezone(ZoneInfo(zone))
    assert kind is not PeriodKind.WEEK or local.weekday() == 0
    assert kind is not PeriodKind.MONTH or local.day == 1
