"""The cached statements that make a tenant's schema."""

from django.db import models


class SchemaTemplate(models.Model):
    """What the tenant apps' migrations execute, recorded once per set of migrations."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    statements = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.fingerprint
