"""What a tenant decides about its ledger: time zone, how long events are kept, and prompts."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.db import connection

from llmhub.base.errors import InvalidRequest
from tenants.actors import Actor
from tenants.audit.services import tenant_change
from tenants.budget_generations import budgets_recount
from tenants.models import Tenant
from tenants.tenancy import in_schema
from tenants.usage.ledger import ledger_lock
from tenants.usage.retention import event_retention_days
from tenants.usage.rollups import usage_days_recount

NAMES = ("time_zone", "event_retention_days", "is_prompt_logging", "prompt_retention_days")
MAX_DAYS = 3650


def ledger_settings(tenant: Tenant) -> dict[str, Any]:
    """As they hold: without one of the tenant's own, `event_retention_days` is the platform's."""
    row = Tenant.objects.get(pk=tenant.pk)
    return {
        **{name: getattr(row, name) for name in NAMES},
        "event_retention_days": event_retention_days(row),
        "default_event_retention_days": settings.HUB.hub_event_retention_days,
        "events_kept_since": row.events_kept_since,
    }


def ledger_settings_change(*, tenant: Tenant, values: Mapping[str, Any], actor: Actor) -> None:
    """Change those of NAMES that are given. Raises InvalidRequest naming the field.

    Another time zone counts every day anew, in the same transaction. What was kept of prompts stays
    until its time when prompt logging ends.
    """
    zone = values.get("time_zone")
    if zone is not None:
        _require_zone(tenant, zone)
    with tenant_change(tenant=tenant, actor=actor, action="ledger_settings.change") as change:
        # Before the row is written: the drain reads the zone behind this lock.
        ledger_lock(tenant.pk)
        row = Tenant.objects.get(pk=tenant.pk)
        before = {name: getattr(row, name) for name in NAMES}
        after = {**before, **{name: values[name] for name in NAMES if name in values}}
        change.about("tenant", tenant.pk, tenant.slug)
        change.before, change.after = before, after
        if before == after:
            change.nothing_changed()
            return
        Tenant.objects.filter(pk=tenant.pk).update(**after)
        if before["time_zone"] != after["time_zone"]:
            usage_days_recount(tenant=tenant, zone=after["time_zone"])
            budgets_recount(tenant.pk)


def _require_zone(tenant: Tenant, zone: str) -> None:
    """One that both sides know: days are counted in PostgreSQL and asked for in Python."""
    known = zone in available_timezones() and ZoneInfo(zone).key == zone
    if known:
        with in_schema(tenant), connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = %s)", [zone])
            known = bool(cursor.fetchone()[0])
    if not known:
        raise InvalidRequest(
            "time_zone is none of the IANA time zones, such as Europe/Berlin.", field="time_zone"
        )
