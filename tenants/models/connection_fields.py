"""What a tenant's connection and the operator's shared connection have in common."""

import uuid

from django.core.validators import RegexValidator
from django.db import models

CONNECTION_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,62}\Z"


class ConnectionState(models.TextChoices):
    """What the last check of the credentials found."""

    UNVERIFIED = "unverified"
    VALID = "valid"
    INVALID_KEY = "invalid_key"
    OUT_OF_QUOTA = "out_of_quota"
    UNREACHABLE = "unreachable"


class ConnectionFields(models.Model):
    """Named credentials for a factory, sealed, with an address and the state of the last check.

    `sealed_credentials` is a sealed JSON object {field name: value}; it is opened by
    tenants/keyring.py alone. `key_hint` is at most the last four characters of the key.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    llm_factory = models.CharField(max_length=100)
    name = models.CharField(
        max_length=63, default="default", validators=[RegexValidator(CONNECTION_NAME_PATTERN)]
    )
    base_url = models.CharField(max_length=2048, blank=True)
    sealed_credentials = models.TextField(editable=False)
    key_hint = models.CharField(max_length=4, blank=True, editable=False)
    state = models.CharField(
        max_length=16, choices=ConnectionState.choices, default=ConnectionState.UNVERIFIED
    )
    state_message = models.CharField(max_length=1000, blank=True)
    is_enabled = models.BooleanField(default=True)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
