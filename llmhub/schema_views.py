"""The OpenAPI schema and its reference are public: they hold nothing of any tenant."""

from typing import Any

PublicSchema: dict[str, Any] = {"authentication_classes": [], "permission_classes": []}
