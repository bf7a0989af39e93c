"""The OpenAPI schema and its reference are public: they hold nothing of any tenant."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import get_lib_doc_excludes

PublicSchema: dict[str, Any] = {"authentication_classes": [], "permission_classes": []}


class HubSchema(AutoSchema):
    def get_tags(self) -> list[str]:
        """A view's module is its subject, such as `connections`; a lone `api` is its package's."""
        *_, package, module = type(self.view).__module__.split(".")
        return [package if module == "api" else module]


def doc_excludes() -> list[type]:
    """Classes whose docstrings are for us and describe no operation."""
    from tenants.llms.api.base import TenantView

    return [*get_lib_doc_excludes(), TenantView]  # type: ignore[no-untyped-call]
