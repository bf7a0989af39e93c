"""Making the sums anew from the events, should they ever be in doubt."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min

from tenants.models import Tenant, TenantUsageDaily
from tenants.tenancy import in_schema
from tenants.usage.ledger import ledger_lock, zone_parameters
from tenants.usage.models import UsageDaily, UsageEvent, UsageHourly
from tenants.usage.sums import (
    HOUR,
    events_into,
    events_into_shared,
    sums_into_daily,
    table,
)
from tenants.usage.zones import day_starts

_ONE_DAY = timedelta(days=1)


def usage_rollup_rebuild(*, tenant: Tenant, day: date) -> bool:
    """Replace the sums of a day (UTC), the tenant's and the shared ones, by those of its events.

    False, and nothing is changed, for a day of which events were dropped: its sums are all there
    is. Safe beside a running drain, which waits for the moment that this takes, and safe to be
    killed: it is one transaction.
    """
    with in_schema(tenant), transaction.atomic():
        zone = ledger_lock(tenant.pk)
        if not has_all_events(tenant, day):
            return False
        sums_replace(tenant, day, zone)
    return True


def usage_days(tenant: Tenant) -> Iterator[date]:
    """From the first day (UTC) that has an event or a sum to the last."""
    with in_schema(tenant):
        found = UsageEvent.objects.aggregate(first=Min("at"), last=Max("at"))
        sums = UsageHourly.objects.aggregate(first=Min("hour"), last=Max("hour"))
    moments = [moment for moment in (*found.values(), *sums.values()) if moment is not None]
    if not moments:
        return
    day, last = (which(moments).astimezone(UTC).date() for which in (min, max))
    while day <= last:
        yield day
        day += _ONE_DAY


def usage_days_recount(*, tenant: Tenant, zone: str) -> None:
    """In the tenant's schema, behind `ledger_lock`: make every day anew from its hours, in a zone
    that is new. What has its events still is summed in parts of hours fine enough for the zone; of
    older hours a day may get up to half an hour more or less where it does not begin with one."""
    for day in usage_days(tenant):
        if has_all_events(tenant, day):
            _replace_hours(day, zone)
    UsageDaily.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(sums_into_daily(table(UsageHourly)), {"zone": zone})


def has_all_events(tenant: Tenant, day: date) -> bool:
    """Whether no event of the day (UTC) was dropped for its age."""
    kept = Tenant.objects.filter(pk=tenant.pk).values_list("events_kept_since", flat=True).first()
    return kept is None or day >= kept


def sums_replace(tenant: Tenant, day: date, zone: str) -> None:
    """In the tenant's schema, behind `ledger_lock`: the sums of a day (UTC) from its events."""
    _replace_hours(day, zone)
    with connection.cursor() as cursor:
        for local_day in (day - _ONE_DAY, day, day + _ONE_DAY):
            _replace_day(cursor, local_day, zone)
        TenantUsageDaily.objects.filter(tenant=tenant, day=day).delete()
        cursor.execute(events_into_shared(_events_of_day()), {"tenant": tenant.pk, **_day(day)})


def _replace_hours(day: date, zone: str) -> None:
    since = datetime.combine(day, time.min, UTC)
    UsageHourly.objects.filter(hour__gte=since, hour__lt=since + _ONE_DAY).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            events_into(UsageHourly, HOUR, _events_of_day()), {**zone_parameters(zone), **_day(day)}
        )


def _replace_day(cursor: Any, day: date, zone: str) -> None:
    """A day of the tenant's, from its hours. One that overlaps with days whose events were dropped
    stays right: hours are kept."""
    UsageDaily.objects.filter(day=day).delete()
    hours = (
        f"(SELECT * FROM {table(UsageHourly)} WHERE hour >= %(since)s AND hour < %(until)s) AS h"  # noqa: S608
    )
    window = {"since": day_starts(day, zone), "until": day_starts(day + _ONE_DAY, zone)}
    cursor.execute(sums_into_daily(hours), {"zone": zone, **window})


def _events_of_day() -> str:
    return f"(SELECT * FROM {table(UsageEvent)} WHERE at >= %(since)s AND at < %(until)s) AS e"  # noqa: S608


def _day(day: date) -> dict[str, datetime]:
    since = datetime.combine(day, time.min, UTC)
    return {"since": since, "until": since + _ONE_DAY}
