"""A page of the console with one form of its own, beside Django's pages for rows."""

from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.template.response import TemplateResponse


def form_page(
    request: HttpRequest,
    model_admin: ModelAdmin,  # type: ignore[type-arg]
    form: forms.Form,
    *,
    title: str,
    lead: str,
    submit_label: str,
    **context: Any,
) -> TemplateResponse:
    """In the context, `is_dangerous` makes the button red, `is_search` sends the form by GET, and
    `object` is the row that the page is about."""
    whole = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "form": form,
        "title": title,
        "lead": lead,
        "submit_label": submit_label,
        **context,
    }
    return TemplateResponse(request, "admin/form_page.html", whole)
