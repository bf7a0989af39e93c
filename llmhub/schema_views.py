"""The OpenAPI schema and its reference are public: they hold nothing of any tenant."""

from typing import Any

from drf_spectacular.plumbing import get_lib_doc_excludes

PublicSchema: dict[str, Any] = {"authentication_classes": [], "permission_classes": []}


def doc_excludes() -> list[type]:
    """Classes whose docstrings are for us and describe no operation."""
    from tenants.llms.api.base import TenantView

    return [*get_lib_doc_excludes(), TenantView]  # type: ignore[no-untyped-call]
