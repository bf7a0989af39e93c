"""The operator's connections, granted to tenants: built-in, self-hosted and public models."""

from django.db import models

from llmhub.base.model_types import ModelType
from tenants.models.connection_fields import ConnectionFields
from tenants.models.price_fields import OwnPriceFields
from tenants.models.tenant import Tenant


class SharedConnection(ConnectionFields):
    """Sealed with the platform's data key. `name` is unique among shared connections."""

    is_granted_to_all = models.BooleanField("granted to every tenant", default=False)
    granted_to = models.ManyToManyField(Tenant, blank=True, related_name="shared_connections")

    class Meta:
        ordering = ["llm_factory", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["llm_factory", "name"], name="shared_connection_name_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.llm_factory}"


class SharedModel(OwnPriceFields):
    """A model that can be called over a shared connection."""

    connection = models.ForeignKey(
        SharedConnection, on_delete=models.CASCADE, related_name="shared_models"
    )
    llm_name = models.CharField(max_length=200)
    model_type = models.CharField(max_length=16, choices=[(t.value, t.value) for t in ModelType])
    max_tokens = models.PositiveIntegerField(null=True, blank=True)
    is_enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "llm_name", "model_type"], name="shared_model_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.llm_name} ({self.model_type})"
