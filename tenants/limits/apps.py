from django.apps import AppConfig


class TenantsLimitsConfig(AppConfig):
    name = "tenants.limits"
    label = "limits"
    default_auto_field = "django.db.models.BigAutoField"
