"""Who is told that a budget is used up, and what was told."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.models.tenant import Tenant


class AlertTarget(models.Model):
    """Where a tenant's alerts go. Without addresses the owners and admins get the mail; without a
    URL there is no webhook. The secret that signs is sealed with the tenant's data key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="alert_target")
    emails = ArrayField(models.EmailField(), default=list, blank=True, size=20)
    webhook_url = models.CharField(max_length=1000, blank=True)
    sealed_secret = models.TextField(blank=True, editable=False)
    secret_last4 = models.CharField(max_length=4, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"alerts of {self.tenant_id}"


class BudgetAlert(models.Model):
    """A budget has reached a share of its amount: once for each budget, period and share.

    `mail_*` and `hook_*` say how far its two ways are: done, or when it is tried again. A worker
    that takes one up moves that moment into the future first, so that no other takes it up as well.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="budget_alerts")
    budget_id = models.UUIDField()
    period_key = models.CharField(max_length=24)
    share = models.PositiveSmallIntegerField()
    content = models.JSONField()
    at = models.DateTimeField()
    mail_done_at = models.DateTimeField(null=True)
    mail_next_at = models.DateTimeField(null=True)
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    hook_done_at = models.DateTimeField(null=True)
    hook_next_at = models.DateTimeField(null=True)
    hook_attempts = models.PositiveSmallIntegerField(default=0)
    hook_error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "budget_id", "period_key", "share"], name="budget_alert_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["at"],
                name="budget_alert_waiting",
                condition=models.Q(mail_next_at__isnull=False)
                | models.Q(hook_next_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.budget_id} {self.period_key} {self.share} %"
