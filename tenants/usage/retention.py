"""Dropping what is old: raw events by age, and kept prompts by theirs. Sums stay.

By batches along the index of `at`, each in a transaction of its own: no table is locked, a run can
be killed, and the room is used again by the next day's events. Partitions would drop faster and
cost each tenant's schema some forty relations, which is what creating a tenant spends its time on.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from tenants.models import Tenant
from tenants.tenancy import in_schema
from tenants.usage.ledger import ledger_lock
from tenants.usage.models import UsageEvent
from tenants.usage.sums import table

logger = logging.getLogger(__name__)

BATCH = 20_000


@dataclass(frozen=True)
class Dropped:
    events: int = 0
    texts: int = 0

    def __add__(self, other: "Dropped") -> "Dropped":
        return Dropped(self.events + other.events, self.texts + other.texts)


def usage_drop_old(*, tenant: Tenant) -> Dropped:
    """Drop the tenant's events and texts that are older than it keeps them. Safe to repeat."""
    today = timezone.now().astimezone(UTC).date()
    first_kept = today - timedelta(days=event_retention_days(tenant))
    texts_from = today - timedelta(days=tenant.prompt_retention_days)
    with in_schema(tenant):
        if _is_any_before(first_kept):
            # Before the first of them goes: a rebuild must not take a part for the whole.
            _kept_since(tenant, first_kept)
        events = _in_batches(_DROP_EVENTS, first_kept)
        texts = _in_batches(_DROP_TEXTS, texts_from)
    return Dropped(events, texts)


def event_retention_days(tenant: Tenant) -> int:
    """The tenant's own, else the platform's."""
    days: int = settings.HUB.hub_event_retention_days
    return days if tenant.event_retention_days is None else tenant.event_retention_days


_DROP_EVENTS = (
    "DELETE FROM {events} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {events} WHERE at < %(before)s ORDER BY at LIMIT %(batch)s))"
)
_DROP_TEXTS = (
    "UPDATE {events} SET sealed_text = NULL WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {events} WHERE at < %(before)s AND sealed_text IS NOT NULL"
    " ORDER BY at LIMIT %(batch)s))"
)


def _in_batches(statement: str, before: date) -> int:
    moment = datetime.combine(before, time.min, UTC)
    parameters: dict[str, datetime | int] = {"before": moment, "batch": BATCH}
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(events=table(UsageEvent)), parameters)
            count: int = cursor.rowcount
        total += count
        if count < BATCH:
            return total


def _is_any_before(day: date) -> bool:
    return UsageEvent.objects.filter(at__lt=datetime.combine(day, time.min, UTC)).exists()


def _kept_since(tenant: Tenant, day: date) -> None:
    """Never moves back: what was dropped does not return when a tenant keeps more from now on.

    Behind the ledger's lock: a rebuild under way has ended, and the next one knows.
    """
    with transaction.atomic():
        ledger_lock(tenant.pk)
        rows = Tenant.objects.filter(pk=tenant.pk)
        rows.filter(events_kept_since__isnull=True).update(events_kept_since=day)
        rows.filter(events_kept_since__lt=day).update(events_kept_since=day)
