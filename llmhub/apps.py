"""The operator's admin site stands in for Django's default one."""

from django.contrib.admin import apps


class OperatorAdminConfig(apps.AdminConfig):
    default_site = "llmhub.admin_site.OperatorSite"
    default = False
