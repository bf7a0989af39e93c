"""The background work on the ledger."""

import logging

import redis
from celery import shared_task
from django.db import DatabaseError, OperationalError

from tenants.selectors.tenants import tenants_all
from tenants.usage.drain import usage_drain_all
from tenants.usage.retention import usage_drop_old

logger = logging.getLogger(__name__)

DRAIN_WITHIN_S = 20.0


@shared_task(name="usage.drain")
def usage_drain() -> None:
    """Move usage events from the stream into the ledgers. Runs may overlap and be killed."""
    try:
        counts = usage_drain_all(within_s=DRAIN_WITHIN_S)
    except (OperationalError, redis.ConnectionError, redis.TimeoutError) as error:
        # Both come back by themselves, and the stream keeps what is in it: the next run goes on.
        logger.warning("the usage drain waits: %s", type(error).__name__)
        return
    if counts.recorded:
        logger.debug("usage drained: %s", counts)


@shared_task(name="usage.drop_old")
def usage_drop_old_everywhere() -> None:
    """Once a night: drop the events and texts that tenants keep no longer. A tenant whose turn
    fails does not keep the others from theirs, and has the next night."""
    for tenant in tenants_all():
        try:
            dropped = usage_drop_old(tenant=tenant)
        except DatabaseError as error:
            logger.warning("tenant %s keeps old events: %s", tenant.pk, type(error).__name__)
            continue
        if dropped.events or dropped.texts:
            logger.info("tenant %s: %s", tenant.pk, dropped)
