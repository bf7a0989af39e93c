"""The background work on the ledger."""

import logging
from typing import Any

import redis
from celery import shared_task
from django.db import OperationalError

from tenants.usage.drain import usage_drain_all

logger = logging.getLogger(__name__)

DRAIN_EVERY_S = 1.0
DRAIN_WITHIN_S = 20.0

BEAT: dict[str, dict[str, Any]] = {
    "usage-drain": {
        "task": "tenants.usage.tasks.usage_drain",
        "schedule": DRAIN_EVERY_S,
        # A drain that waited in the queue for longer has been overtaken by the next one.
        "options": {"expires": 10},
    },
}


@shared_task(ignore_result=True)
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
