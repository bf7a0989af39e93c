"""The tenant's ledger: a row per attempt that reached a provider, and the sums per hour and day."""

import uuid

from django.db import models

NO_ID = uuid.UUID(int=0)
"""Stands in a sum's key where there is no id: a call that was refused before any connection."""


class UsageFacts(models.Model):
    """What was called, by natural key: the row outlives the connection and the model."""

    llm_factory = models.CharField(max_length=100)
    connection_name = models.CharField(max_length=63)
    is_shared = models.BooleanField(default=False)
    llm_name = models.CharField(max_length=200)
    model_type = models.CharField(max_length=16)

    class Meta:
        abstract = True


class UsageKinds(models.Model):
    """The kinds of usage. Parts are inside their wholes: see providers/protocols/usage.py."""

    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    input_audio_tokens = models.BigIntegerField(default=0)
    output_audio_tokens = models.BigIntegerField(default=0)
    images = models.BigIntegerField(default=0)
    characters = models.BigIntegerField(default=0)
    audio_ms = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class UsageEvent(UsageFacts, UsageKinds):
    """One attempt, as settled by the gateway, or one request that reached no provider (attempt 0).

    The id is the request's id plus the number of the attempt, so a repeat changes nothing and the
    attempts of a request stand together. The last attempt's row `is_result`: it says what the
    caller was answered. `cost_usd` NULL: it was used and has no price. Usage is the provider's, or
    the hub's own count where `is_estimated`; `is_usage_refused` where the provider's could not be
    true. `sealed_text` is prompt and answer, for a tenant that keeps them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request_id = models.UUIDField()
    attempt = models.PositiveSmallIntegerField(default=1)
    at = models.DateTimeField(db_index=True)
    access_token_id = models.UUIDField(null=True)
    connection_id = models.UUIDField()
    route = models.CharField(max_length=128, blank=True, default="")
    endpoint = models.CharField(max_length=64, blank=True, default="")
    model_asked = models.CharField(max_length=200, blank=True, default="")
    cost_usd = models.DecimalField(max_digits=20, decimal_places=9, null=True)
    price_source = models.CharField(max_length=20, blank=True, default="")
    is_estimated = models.BooleanField(default=False)
    is_usage_refused = models.BooleanField(default=False)
    is_streamed = models.BooleanField(default=False)
    http_status = models.PositiveSmallIntegerField()
    error_kind = models.CharField(max_length=32, blank=True)
    latency_ms = models.PositiveIntegerField()
    first_byte_ms = models.PositiveIntegerField(null=True)
    is_result = models.BooleanField(default=True)
    result_status = models.PositiveSmallIntegerField(null=True)
    result_code = models.CharField(max_length=64, blank=True, default="")
    sealed_text = models.TextField(null=True)  # noqa: DJ001 - NULL takes no room in a row

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.llm_name}"


class UsageSums(UsageFacts, UsageKinds):
    """What a group of events adds up to.

    `status` is what the caller was answered; of an attempt that was followed by another one, what
    the provider said (0: nothing). `requests` counts results, `attempts` what reached a provider.
    """

    connection_id = models.UUIDField()
    access_token_id = models.UUIDField()
    status = models.PositiveSmallIntegerField()
    requests = models.BigIntegerField(default=0)
    failed_requests = models.BigIntegerField(default=0)
    attempts = models.BigIntegerField(default=0)
    estimated_attempts = models.BigIntegerField(default=0)
    unpriced_attempts = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=24, decimal_places=9, default=0)

    class Meta:
        abstract = True


_BY = ("connection_id", "llm_name", "model_type", "access_token_id", "status")


class UsageHourly(UsageSums):
    """Sums of an hour (UTC), or of a part of one where the tenant's days begin between hours."""

    pk = models.CompositePrimaryKey("hour", *_BY)
    hour = models.DateTimeField()

    class Meta:
        ordering = ["-hour", "llm_factory", "llm_name"]

    def __str__(self) -> str:
        return f"{self.hour} {self.llm_name}"


class UsageDaily(UsageSums):
    """Sums of a day in the tenant's time zone."""

    pk = models.CompositePrimaryKey("day", *_BY)
    day = models.DateField()

    class Meta:
        ordering = ["-day", "llm_factory", "llm_name"]

    def __str__(self) -> str:
        return f"{self.day} {self.llm_name}"
