"""What the operator grants a tenant at most, and what holds where the tenant says nothing."""

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from providers.names import validate_name
from tenants.limits.periods import PeriodKind
from tenants.limits.units import MAX_AMOUNT, NANO

_PERIODS = [(p.value, p.value) for p in PeriodKind]
_AT_LEAST_ONE = [MinValueValidator(1)]


class Plan(models.Model):
    """Limits and budgets of each tenant that has the plan, for the tenant's calls as a whole. What
    is null is not limited. The budgets are hard."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80, unique=True, validators=[validate_name])
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=_AT_LEAST_ONE
    )
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True, validators=_AT_LEAST_ONE)
    concurrency = models.PositiveIntegerField(null=True, blank=True, validators=_AT_LEAST_ONE)
    budget_usd = models.DecimalField(
        "budget, USD",
        max_digits=16,
        decimal_places=9,
        null=True,
        blank=True,
        validators=[MinValueValidator(NANO), MaxValueValidator(MAX_AMOUNT // 10**9)],
    )
    budget_usd_period = models.CharField(
        "per", max_length=5, choices=_PERIODS, default=PeriodKind.MONTH.value
    )
    budget_tokens = models.BigIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MAX_AMOUNT)]
    )
    budget_tokens_period = models.CharField(
        "per", max_length=5, choices=_PERIODS, default=PeriodKind.MONTH.value
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        granted = (
            self.requests_per_minute,
            self.tokens_per_minute,
            self.concurrency,
            self.budget_usd,
            self.budget_tokens,
        )
        if all(value is None for value in granted):
            raise ValidationError("A plan limits something: give it a limit or a budget.")
