from django.apps import AppConfig


class TenantsUsageConfig(AppConfig):
    name = "tenants.usage"
    label = "usage"
    default_auto_field = "django.db.models.BigAutoField"
