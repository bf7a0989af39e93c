"""The console's start page: a few counts, read from the database alone."""

from typing import Any

from django.http import HttpRequest

from tenants.selectors.platform_overview import platform_overview


def home_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    return {**context, "overview": platform_overview()}
