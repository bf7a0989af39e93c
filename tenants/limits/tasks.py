"""The background work on budgets."""

import logging

import redis
from celery import shared_task
from django.db import OperationalError

from tenants.limits.alert_delivery import alert_deliver
from tenants.limits.alert_marks import marks_take
from tenants.limits.alerts import alerts_due, budget_alerts_raise

logger = logging.getLogger(__name__)


@shared_task(name="limits.alerts_run")
def alerts_run() -> None:
    """Tell people about budgets. Runs may overlap, repeat and be killed."""
    try:
        for tenant_id, budget_id in marks_take():
            budget_alerts_raise(tenant_id, budget_id)
    except (OperationalError, redis.RedisError) as error:
        logger.warning("budget alerts wait: %s", type(error).__name__)
    for alert in alerts_due():
        if not alert_deliver(alert):
            logger.warning("alert %s was not sent; attempt %d", alert.id, alert.attempts)
