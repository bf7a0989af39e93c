"""The background work on the platform itself."""

import logging

from celery import shared_task

from llmhub.base.errors import NotSupported
from llmhub.catalog_loads import prices_load
from tenants.actors import Actor

logger = logging.getLogger(__name__)


@shared_task(name="catalog.prices_sync")
def prices_sync() -> None:
    """Take over the prices of the installed `genai-prices`. Runs may be lost, repeated, or meet."""
    try:
        report = prices_load(actor=Actor.from_task("catalog.prices_sync"))
    except NotSupported as missing:
        logger.debug("no price sync: %s", missing.message)
        return
    if report.written_rows or report.notes:
        logger.info("prices synced: %s", report.as_lines())
