"""Background tests of connections. Each task can be lost, repeated or run twice at once."""

import logging
import random
import zlib
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from llmhub.base.errors import HubError
from tenants.llms.recheck import rechecks_take
from tenants.llms.services.connection_checks import connection_check, connections_due
from tenants.models import Tenant
from tenants.selectors.tenants import tenant_ids_active, tenants_by_id

logger = logging.getLogger(__name__)

# How often the beat runs `connections_dispatch`.
_DISPATCH_EVERY_S = 60


@shared_task(name="llms.connections_dispatch")
def connections_dispatch() -> int:
    """Start the checks of the tenants whose turn this minute is; gives how many.

    A tenant's turn comes once in HUB_RECHECK_INTERVAL_S, at a minute of its own and, by
    jitter, at a second that nobody shares.
    """
    slots = max(1, settings.HUB.hub_recheck_interval_s // _DISPATCH_EVERY_S)
    now = int(timezone.now().timestamp()) // _DISPATCH_EVERY_S
    due = [t for t in tenant_ids_active() if zlib.crc32(t.bytes) % slots == now % slots]
    for tenant_id in due:
        jitter_s = random.uniform(0, _DISPATCH_EVERY_S)  # noqa: S311
        connections_check.apply_async((str(tenant_id),), countdown=jitter_s)
    return len(due)


@shared_task(name="llms.connections_check")
def connections_check(tenant_id: str) -> int:
    """Test the tenant's connections that are due; gives how many."""
    tenant = tenants_by_id([UUID(tenant_id)]).get(UUID(tenant_id))
    due = connections_due(tenant=tenant) if tenant else []
    return sum(_check(tenant, connection_id) for connection_id in due) if tenant else 0


@shared_task(name="llms.rechecks_run")
def rechecks_run() -> int:
    """Test the connections that the gateway had trouble with; gives how many."""
    wishes = rechecks_take()
    tenants = tenants_by_id({tenant_id for tenant_id, _ in wishes})
    known = ((tenants.get(tenant_id), connection) for tenant_id, connection in wishes)
    return sum(_check(tenant, connection) for tenant, connection in known if tenant)


def _check(tenant: Tenant, connection_id: UUID) -> int:
    try:
        connection_check(tenant=tenant, connection_id=connection_id)
    except HubError as error:
        logger.warning("connection %s not checked: %s", connection_id, error.code)
        return 0
    return 1
