"""The columns of an audit row, the same for a tenant and for the operator."""

from django.db import models


class AuditFields(models.Model):
    """Who did what to what, before and after with secrets masked, and from where.

    Rows are only ever added: the migration takes UPDATE and DELETE away from the application's
    role, and a trigger refuses them to every role.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=254)
    source_ip = models.GenericIPAddressField(null=True, blank=True)
    action = models.CharField(max_length=64)
    target_kind = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64, blank=True)
    target_label = models.CharField(max_length=400, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_label} {self.action} {self.target_label}"


class OperatorAuditEntry(AuditFields):
    """Changes to what belongs to the platform: catalog, tenants, shared connections."""

    class Meta(AuditFields.Meta):
        db_table = "tenants_operatoraudit"
        verbose_name_plural = "operator audit entries"
