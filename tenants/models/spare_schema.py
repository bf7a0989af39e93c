"""Schemas that are ready for tenants to come."""

from django.db import models


class SpareSchema(models.Model):
    """An empty schema, made ahead from the migrations of this fingerprint.

    Whoever deletes the row may rename the schema or drop it, in the same transaction.
    """

    schema_name = models.CharField(max_length=63, primary_key=True)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.schema_name
