"""The operator's admin site stands in for Django's default one."""

from django.contrib.admin.apps import AdminConfig


class OperatorAdminConfig(AdminConfig):
    default_site = "llmhub.admin_site.OperatorSite"
