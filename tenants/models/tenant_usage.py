"""Usage of every tenant per day, in one shared table: cross-tenant reports read this alone."""

from django.db import models

from tenants.models.tenant import Tenant


class TenantUsageDaily(models.Model):
    """A day (UTC) of one model of one tenant.

    `requests` counts answers to callers, `attempts` what reached a provider; what has no price
    counts as unpriced and adds nothing to the cost.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    llm_factory = models.CharField(max_length=100)
    llm_name = models.CharField(max_length=200)
    model_type = models.CharField(max_length=16)
    requests = models.BigIntegerField(default=0)
    failed_requests = models.BigIntegerField(default=0)
    attempts = models.BigIntegerField(default=0)
    unpriced_attempts = models.BigIntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=24, decimal_places=9, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "day", "llm_factory", "llm_name", "model_type"],
                name="tenant_usage_daily_once",
            )
        ]
        indexes = [models.Index(fields=["day"])]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.day} {self.llm_name}"
