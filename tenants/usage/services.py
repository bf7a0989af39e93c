"""Writing the ledger: each event once, and every sum moved by exactly the events that are new."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import ProgrammingError, transaction

from tenants.models import Tenant
from tenants.services.access_tokens import tokens_touch
from tenants.tenancy import in_schema
from tenants.usage import ledger
from tenants.usage.events import UsageFacts

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class UsageCounts:
    """Events that are new in the ledger, that were there already, and whose tenant is gone."""

    recorded: int = 0
    repeated: int = 0
    dropped: int = 0

    def __add__(self, other: "UsageCounts") -> "UsageCounts":
        return UsageCounts(
            self.recorded + other.recorded,
            self.repeated + other.repeated,
            self.dropped + other.dropped,
        )


def usage_record(events: Iterable[UsageFacts]) -> UsageCounts:
    """Put events of any tenants into their ledgers: one transaction for each tenant.

    Safe to repeat, in any order, from several processes at once. What was committed for one tenant
    stays when another's transaction fails; the error is raised, and the call can be made again.
    """
    by_tenant: defaultdict[UUID, dict[UUID, UsageFacts]] = defaultdict(dict)
    counts = UsageCounts()
    for event in events:
        known = by_tenant[event.tenant_id]
        counts += UsageCounts(repeated=int(event.id in known))
        known.setdefault(event.id, event)
    tenants = Tenant.objects.in_bulk(list(by_tenant))
    for tenant_id, known in sorted(by_tenant.items()):
        counts += _record(tenant_id, tenants.get(tenant_id), list(known.values()))
    return counts


def _record(tenant_id: UUID, tenant: Tenant | None, events: list[UsageFacts]) -> UsageCounts:
    if tenant is None:
        return _dropped(tenant_id, events)
    try:
        recorded = _record_in_schema(tenant, events)
    except ProgrammingError:
        # Its schema went while we wrote: the tenant was deleted, or something is truly wrong.
        if Tenant.objects.filter(pk=tenant_id).exists():
            raise
        return _dropped(tenant_id, events)
    _touch_tokens(events)
    return UsageCounts(recorded=recorded, repeated=len(events) - recorded)


def _record_in_schema(tenant: Tenant, events: list[UsageFacts]) -> int:
    """Every step locks its rows in one order, so two drains wait for each other and never both."""
    with in_schema(tenant), transaction.atomic():
        new_ids = ledger.events_insert(events)
        new = [event for event in events if event.id in new_ids]
        if new:
            ledger.daily_add(new)
            ledger.used_tokens_add(new)
            ledger.tenant_daily_add(tenant.pk, new)
    return len(new)


def _dropped(tenant_id: UUID, events: list[UsageFacts]) -> UsageCounts:
    logger.warning("%d usage events dropped: tenant %s is gone", len(events), tenant_id)
    return UsageCounts(dropped=len(events))


def _touch_tokens(events: list[UsageFacts]) -> None:
    used_at: dict[UUID, datetime] = {}
    for event in events:
        used_at[event.access_token_id] = max(event.at, used_at.get(event.access_token_id, event.at))
    tokens_touch(used_at=used_at)
