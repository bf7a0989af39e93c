"""What a tenant has configured: connections, models, defaults and routes.

The catalog is referred to by natural key (factory name, model name), without a database
constraint: it lives in another schema.
"""

import uuid

from django.core.validators import MinValueValidator
from django.db import models

from llmhub.base.model_types import ModelType
from tenants.models.connection_fields import ConnectionFields
from tenants.models.price_fields import OwnPriceFields

MODEL_TYPE_CHOICES = [(t.value, t.value) for t in ModelType]


class Connection(ConnectionFields):
    """A tenant's named credentials for a factory; `default` unless named."""

    class Meta:
        ordering = ["llm_factory", "name"]
        constraints = [
            models.UniqueConstraint(fields=["llm_factory", "name"], name="connection_name_once")
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.llm_factory}"


class TenantLLM(OwnPriceFields):
    """A model that the tenant can call: on a connection of its own, or the tenant's side (status,
    used tokens) of a model on a shared connection, whose price is the operator's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # A constraint below indexes it; the foreign keys of the small tables need no index at all. Each
    # would be one more file in every schema.
    connection = models.ForeignKey(
        Connection,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="tenant_llms",
        db_index=False,
    )
    shared_connection_id = models.UUIDField(null=True, blank=True)
    llm_factory = models.CharField(max_length=100)
    llm_name = models.CharField(max_length=200)
    model_type = models.CharField(max_length=16, choices=MODEL_TYPE_CHOICES)
    max_tokens = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    used_tokens = models.BigIntegerField(default=0, editable=False)
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["llm_factory", "llm_name", "model_type"]
        constraints = [
            models.CheckConstraint(
                name="tenant_llm_on_one_connection",
                condition=models.Q(connection__isnull=False, shared_connection_id__isnull=True)
                | models.Q(connection__isnull=True, shared_connection_id__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["connection", "llm_name", "model_type"], name="tenant_llm_once"
            ),
            models.UniqueConstraint(
                fields=["shared_connection_id", "llm_name", "model_type"],
                name="tenant_llm_once_shared",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.llm_name}@{self.llm_factory} ({self.model_type})"


class ModelDefault(models.Model):
    """The model that answers a call of this type which names none."""

    model_type = models.CharField(max_length=16, choices=MODEL_TYPE_CHOICES, primary_key=True)
    tenant_llm = models.ForeignKey(
        TenantLLM, on_delete=models.PROTECT, related_name="defaults", db_index=False
    )
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.model_type}: {self.tenant_llm_id}"


class Route(models.Model):
    """A model name of the tenant's own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=128)
    model_type = models.CharField(max_length=16, choices=MODEL_TYPE_CHOICES)
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name"], name="route_name_once")]

    def __str__(self) -> str:
        return self.name


class RouteTarget(models.Model):
    """A model behind a route: lower `priority` first, `weight` among equals."""

    pk = models.CompositePrimaryKey("route", "tenant_llm")
    route = models.ForeignKey(
        Route, on_delete=models.CASCADE, related_name="targets", db_index=False
    )
    tenant_llm = models.ForeignKey(
        TenantLLM, on_delete=models.PROTECT, related_name="route_targets", db_index=False
    )
    priority = models.PositiveSmallIntegerField(default=0)
    weight = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])

    class Meta:
        ordering = ["priority", "-weight", "tenant_llm"]

    def __str__(self) -> str:
        return f"{self.route_id} -> {self.tenant_llm_id}"
