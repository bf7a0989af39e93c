"""What calls have reserved while Valkey is away."""

import uuid

from django.db import models

from tenants.models.tenant import Tenant


class BudgetHold(models.Model):
    """A reservation of a call under a hard budget, free again after `expires_at`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="budget_holds")
    budget_id = models.UUIDField()
    call_id = models.UUIDField()
    amount = models.BigIntegerField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["call_id", "budget_id"], name="budget_hold_once")
        ]

    def __str__(self) -> str:
        return f"{self.call_id}: {self.amount}"
