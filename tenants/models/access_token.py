"""A hub token: what an application sends as its bearer token."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from providers.names import validate_name
from tenants.models.people import User
from tenants.models.tenant import Tenant


class Scope(models.TextChoices):
    """What a token may do: change the configuration, read it, call models."""

    MANAGE = "manage"
    READ = "read"
    INFERENCE = "inference"


class AccessToken(models.Model):
    """Only the hash is stored; `last4` lets people tell their tokens apart."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=120, validators=[validate_name])
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    last4 = models.CharField(max_length=4, editable=False)
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope.choices))
    allowed_models = ArrayField(
        models.CharField(max_length=255, validators=[validate_name]), default=list, blank=True
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} (…{self.last4})"
