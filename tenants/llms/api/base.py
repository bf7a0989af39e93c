"""What the views of /llm have in common."""

from typing import Any, TypeVar

from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from tenants.models import Tenant
from tenants.principals import Principal

Validated = dict[str, Any]
S = TypeVar("S", bound="Serializer[Any]")


class TenantView(APIView):
    """A view of one tenant: the one that the credential belongs to."""

    request: Request

    @property
    def principal(self) -> Principal:
        assert isinstance(self.request.user, Principal)
        return self.request.user

    @property
    def tenant(self) -> Tenant:
        return self.principal.tenant

    def validated(self, serializer_class: type[S], *, partial: bool = False) -> Validated:
        """The body, checked. The first wrong field is named in the answer."""
        return self._checked(serializer_class(data=self.request.data, partial=partial))

    def query(self, serializer_class: type[S]) -> Validated:
        """The query string, checked in the same way."""
        return self._checked(serializer_class(data=self.request.query_params.dict()))

    def _checked(self, serializer: "Serializer[Any]") -> Validated:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
