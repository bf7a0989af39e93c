"""The background work on the ledger."""

import logging

import redis
from celery import shared_task
from django.db import OperationalError

from tenants.usage.drain import usage_drain_all

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
