"""A tenant's own limits and budgets.

Both hold for the tenant's calls as a whole, or for those of a token, of a model, or of a token with
a model. Tokens and models are referred to by id and by name, without a database constraint. The
rows are narrow and have no index but their key: every relation costs each tenant's creation a
millisecond.
"""

import uuid

from django.core.validators import MinValueValidator
from django.db import models

from providers.names import MAX_NAME_LENGTH, validate_name
from tenants.limits.periods import PeriodKind
from tenants.limits.units import Unit

MAX_MODEL_LENGTH = MAX_NAME_LENGTH + 1 + 100


class Scope(models.Model):
    """Whose calls: null and empty mean all of them. `model` is a model's name in a form that does
    not depend on how it is asked for: `model@factory`, or `model@connection@factory`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    access_token_id = models.UUIDField(null=True, blank=True)
    model = models.CharField(max_length=MAX_MODEL_LENGTH, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class Limit(Scope):
    """How fast: each of the three may be missing, and one is there."""

    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    tokens_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    concurrency = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="limit_limits_something",
                condition=models.Q(requests_per_minute__isnull=False)
                | models.Q(tokens_per_minute__isnull=False)
                | models.Q(concurrency__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"limit {self.pk}"


class Budget(Scope):
    """How much in a period: money in nano-dollars, or tokens. A hard one refuses calls, a soft one
    tells people; `alert_shares` are the percentages at which both do, such as `50,80,100`."""

    name = models.CharField(max_length=80, validators=[validate_name])
    unit = models.CharField(max_length=6, choices=[(u.value, u.value) for u in Unit])
    amount = models.BigIntegerField(validators=[MinValueValidator(1)])
    period = models.CharField(max_length=5, choices=[(p.value, p.value) for p in PeriodKind])
    is_hard = models.BooleanField(default=True)
    alert_shares = models.CharField(max_length=40, blank=True, default="50,80,100")

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.name
