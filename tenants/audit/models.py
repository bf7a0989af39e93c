"""Who changed what in this tenant."""

from tenants.models.audit_fields import AuditFields


class AuditEntry(AuditFields):
    class Meta(AuditFields.Meta):
        db_table = "audit_entry"
        verbose_name_plural = "audit entries"
