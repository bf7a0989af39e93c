"""A customer of the platform, with a PostgreSQL schema of its own, and its data keys."""

import re
import uuid

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin
from django_tenants.utils import get_public_schema_name

from providers.names import validate_name
from tenants.models.plan import Plan

SLUG_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*\Z"
SLUG_MAX_LENGTH = 48
SCHEMA_PATTERN = r"^[a-z][a-z0-9_]{0,62}\Z"
DEFAULT_PROMPT_RETENTION_DAYS = 30
RESERVED_SLUGS = frozenset({"public", "operator", "www", "api", "admin", "static"})


def schema_name_of(slug: str) -> str:
    """`t_` and the slug with underscores: never a reserved or a `pg_` name."""
    return "t_" + slug.replace("-", "_")


def validate_slug(slug: str) -> None:
    if not re.match(SLUG_PATTERN, slug) or len(slug) > SLUG_MAX_LENGTH:
        raise ValidationError(
            f"A slug has lower-case letters, digits and single hyphens, starts with a letter "
            f"and has at most {SLUG_MAX_LENGTH} characters."
        )
    if slug in RESERVED_SLUGS:
        raise ValidationError(f"The slug {slug} is reserved. Choose another.")


class TenantStatus(models.TextChoices):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Tenant(TenantMixin):
    """A tenant, or the operator: the row whose schema is `public`.

    `config_version` grows by one with each change of the tenant's configuration, in the same
    transaction; the gateway compares it with the version that its snapshot was built from.
    `budget_generation` grows where usage reached the ledger past the counters in Valkey, which are
    then made anew (tenants/limits/rebuild.py).

    `time_zone` says when the tenant's days begin. Usage events older than `event_retention_days`
    (None: the platform's default) are dropped; `events_kept_since` is the first day (UTC) of which
    all are there, None where none was dropped. Prompts and answers are kept, sealed, where
    `is_prompt_logging`.
    """

    auto_create_schema = False
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    schema_name = models.CharField(
        max_length=63, unique=True, editable=False, validators=[RegexValidator(SCHEMA_PATTERN)]
    )
    slug = models.CharField(max_length=SLUG_MAX_LENGTH, unique=True)
    name = models.CharField(max_length=120, validators=[validate_name])
    status = models.CharField(
        max_length=16, choices=TenantStatus.choices, default=TenantStatus.ACTIVE
    )
    time_zone = models.CharField(max_length=64, default="UTC")
    event_retention_days = models.PositiveIntegerField(null=True, blank=True)
    events_kept_since = models.DateField(null=True, editable=False)
    is_prompt_logging = models.BooleanField(default=False)
    prompt_retention_days = models.PositiveIntegerField(default=DEFAULT_PROMPT_RETENTION_DAYS)
    config_version = models.BigIntegerField(default=1, editable=False)
    budget_generation = models.BigIntegerField(default=1, editable=False)
    plan = models.ForeignKey(
        Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="tenants"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_platform(self) -> bool:
        return bool(self.schema_name == get_public_schema_name())


class Domain(DomainMixin):
    """A host name that opens a tenant's pages. It never selects data."""


class TenantDataKey(models.Model):
    """A tenant's data key of one version, wrapped by FERNET_KEYS. Without it every copy of the
    tenant's secrets is unreadable."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="data_keys")
    version = models.PositiveIntegerField()
    wrapped = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "version"], name="data_key_once_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} v{self.version}"
