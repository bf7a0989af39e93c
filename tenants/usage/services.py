"""Writing the ledger: each event once, and every sum moved by exactly the events that are new."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError, transaction

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


Work = tuple[Tenant, Sequence[UsageFacts]]


def usage_record(events: Iterable[UsageFacts]) -> UsageCounts:
    """Put events of any tenants into their ledgers: in one transaction, since waiting for the disk
    costs more than the work; where that fails, in one for each tenant.

    Safe to repeat, in any order, from several processes at once. What was committed for one tenant
    stays when another's transaction fails; the error is raised, and the call can be made again.
    """
    by_tenant: defaultdict[UUID, dict[UUID, UsageFacts]] = defaultdict(dict)
    given = 0
    for given, event in enumerate(events, start=1):  # noqa: B007
        by_tenant[event.tenant_id].setdefault(event.id, event)
    tenants = Tenant.objects.in_bulk(list(by_tenant))
    dropped = sum(
        _dropped(tenant_id, known)
        for tenant_id, known in by_tenant.items()
        if tenant_id not in tenants
    )
    # Every writer takes the tenants in this order, so two wait for each other and never both.
    work = [(tenants[i], list(by_tenant[i].values())) for i in sorted(tenants)]
    counts = _record_together(work)
    if counts is None:
        counts = sum((_record_alone(*of_one) for of_one in work), UsageCounts())
    repeated = given - dropped - counts.recorded - counts.dropped
    return UsageCounts(counts.recorded, repeated, dropped + counts.dropped)


def _record_together(work: Sequence[Work]) -> UsageCounts | None:
    """None where something is wrong with some tenant's part: then nothing was recorded."""
    if not work:
        return UsageCounts()
    try:
        with transaction.atomic():
            ledger.events_stage(event for _, events in work for event in events)
            recorded = sum(_record(tenant) for tenant, _ in work)
    except (OperationalError, InterfaceError):
        raise
    except DatabaseError:
        if len(work) == 1 and Tenant.objects.filter(pk=work[0][0].pk).exists():
            raise
        return None
    _touch_tokens(event for _, events in work for event in events)
    return UsageCounts(recorded=recorded)


def _record_alone(tenant: Tenant, events: Sequence[UsageFacts]) -> UsageCounts:
    try:
        with transaction.atomic():
            ledger.events_stage(events)
            recorded = _record(tenant)
    except ProgrammingError:
        # Its schema went while we wrote: the tenant was deleted, or something is truly wrong.
        if Tenant.objects.filter(pk=tenant.pk).exists():
            raise
        return UsageCounts(dropped=_dropped(tenant.pk, events))
    _touch_tokens(events)
    return UsageCounts(recorded=recorded)


def _record(tenant: Tenant) -> int:
    with in_schema(tenant):
        zone = ledger.ledger_lock(tenant.pk)
        return ledger.events_add(tenant.pk, zone)


def _dropped(tenant_id: UUID, events: Sequence[UsageFacts] | Mapping[UUID, UsageFacts]) -> int:
    logger.warning("%d usage events dropped: tenant %s is gone", len(events), tenant_id)
    return len(events)


def _touch_tokens(events: Iterable[UsageFacts]) -> None:
    used_at: dict[UUID, datetime] = {}
    for event in events:
        used_at[event.access_token_id] = max(event.at, used_at.get(event.access_token_id, event.at))
    tokens_touch(used_at=used_at)
