"""The background work on what tenants share."""

import logging

from celery import shared_task
from django.conf import settings
from django.db import OperationalError

from tenants.spare_schemas import spare_schemas_refill

logger = logging.getLogger(__name__)

# Few at a time: whoever creates many tenants in a row shares the machine with this task.
MADE_IN_ONE_RUN = 5


@shared_task(name="tenants.spare_schemas_refill")
def spare_schemas_refill_task() -> None:
    """Keep HUB_SPARE_SCHEMAS schemas ready. Runs may be lost, overlap and be killed."""
    try:
        made = spare_schemas_refill(wanted=settings.HUB.hub_spare_schemas, at_most=MADE_IN_ONE_RUN)
    except OperationalError as error:
        # The database comes back by itself, and until then nobody creates a tenant either.
        logger.warning("spare schemas wait: %s", type(error).__name__)
        return
    if made:
        logger.debug("spare schemas made: %s", made)
