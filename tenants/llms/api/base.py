"""What the views of /llm have in common."""

from collections.abc import Callable
from typing import Any, TypeVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from llmhub.envelope import EnvelopePagination
from tenants.models import Tenant
from tenants.principals import Principal

Validated = dict[str, Any]
S = TypeVar("S", bound="Serializer[Any]")


def _as_it_is(row: Any) -> Any:
    return row


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

    def paged(self, rows: list[Any], shape: Callable[[Any], Any] = _as_it_is) -> Response:
        """One page of the rows, each shaped for the answer."""
        pages = EnvelopePagination()
        page = pages.paginate_queryset(rows, self.request, view=self)
        return pages.get_paginated_response([shape(row) for row in page or ()])

    def _checked(self, serializer: "Serializer[Any]") -> Validated:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
