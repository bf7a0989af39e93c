from django.apps import AppConfig


class TenantsLlmsConfig(AppConfig):
    name = "tenants.llms"
    label = "llms"
    default_auto_field = "django.db.models.BigAutoField"
