"""The tenant's ledger: one row per attempt that reached a provider, and its sums per day."""

import uuid

from django.db import models


class UsageFacts(models.Model):
    """What was called, by natural key: the row outlives the connection and the model."""

    llm_factory = models.CharField(max_length=100)
    connection_name = models.CharField(max_length=63)
    is_shared = models.BooleanField(default=False)
    llm_name = models.CharField(max_length=200)
    model_type = models.CharField(max_length=16)

    class Meta:
        abstract = True


class UsageEvent(UsageFacts):
    """One attempt, as settled by the gateway. The id is the hub's own, so repeats change nothing.

    Token counts are the provider's, or the hub's own count where `is_estimated`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request_id = models.UUIDField()
    at = models.DateTimeField(db_index=True)
    access_token_id = models.UUIDField(null=True)
    connection_id = models.UUIDField()
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    is_estimated = models.BooleanField(default=False)
    is_streamed = models.BooleanField(default=False)
    http_status = models.PositiveSmallIntegerField()
    error_kind = models.CharField(max_length=32, blank=True)
    latency_ms = models.PositiveIntegerField()
    first_byte_ms = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.llm_name}"


class UsageDaily(UsageFacts):
    """Sums of a day (UTC) per model and connection; equal to the sum of that day's events."""

    pk = models.CompositePrimaryKey("day", "connection_id", "llm_name", "model_type")
    day = models.DateField()
    connection_id = models.UUIDField()
    requests = models.BigIntegerField(default=0)
    failed_requests = models.BigIntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-day", "llm_factory", "llm_name"]

    def __str__(self) -> str:
        return f"{self.day} {self.llm_name}"
