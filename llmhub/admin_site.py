"""The operator's console at /admin/: catalog, tenants, shared connections, health, audit."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.sites import UnfoldAdminSite


class OperatorSite(UnfoldAdminSite):
    """Signing in and out and changing one's password are done on the pages for people: there is
    one door, where attempts are counted."""

    site_title = "LLM Hub"
    site_header = "LLM Hub operator"
    index_title = "Overview"

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        wanted = request.GET.get("next") or reverse("admin:index")
        return redirect_to_login(wanted, reverse("pages:sign_in"))

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        from tenants.pages.signing_in import SignOut  # models are loaded after this site

        return SignOut.as_view()(request)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        return redirect("pages:own_password")
