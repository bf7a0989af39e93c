"""The start page, and choosing the tenant that the session works for."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from llmhub.base.errors import NotFound
from tenants.authentication import SESSION_TENANT
from tenants.llms.selectors.overview import tenant_overview
from tenants.models import Membership, User
from tenants.pages.example_call import example_call
from tenants.pages.forms import TenantSwitchForm
from tenants.selectors.credentials import membership_chosen
from tenants.selectors.memberships import membership_get, membership_list


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The tenant's models; without a tenant, where to go instead."""
    assert isinstance(request.user, User)
    chosen = request.session.get(SESSION_TENANT)
    membership = membership_chosen(user=request.user, tenant_id=chosen)
    if membership is None:
        return render(request, "pages/no_tenant.html")
    return render(request, "pages/home.html", _context(request.user, membership))


@require_POST
@login_required
def tenant_switch(request: HttpRequest) -> HttpResponse:
    """Work for another of one's own tenants from now on. Any other tenant is not there: 404."""
    assert isinstance(request.user, User)
    form = TenantSwitchForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        membership = membership_get(user=request.user, tenant_id=form.cleaned_data["tenant"])
    except NotFound:
        raise Http404 from None
    request.session[SESSION_TENANT] = str(membership.tenant_id)
    return redirect("pages:home")


def _context(user: User, membership: Membership) -> dict[str, Any]:
    overview = tenant_overview(tenant=membership.tenant)
    return {
        "membership": membership,
        "memberships": membership_list(user=user),
        "overview": overview,
        "example_call": example_call(
            public_url=settings.HUB.public_url, model=overview.example_model or "MODEL"
        ),
    }
