"""What a principal may do through the management API."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # DRF imports this file while it imports its views.
    from rest_framework.views import APIView

from llmhub.base.errors import NotAuthenticated, PermissionDenied
from tenants.models import Scope
from tenants.principals import Principal


class TenantPermission(BasePermission):
    """Reading needs the scope `read`, everything else `manage`."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        principal = request.user
        if not isinstance(principal, Principal):
            raise NotAuthenticated("Sign in, or send a token as `Authorization: Bearer TOKEN`.")
        needed = Scope.READ if request.method in SAFE_METHODS else Scope.MANAGE
        if not principal.may(needed):
            raise PermissionDenied(
                f"This needs the scope `{needed}`. Use a token that has it, or ask an admin.",
                details={"scope": needed.value},
            )
        return True
