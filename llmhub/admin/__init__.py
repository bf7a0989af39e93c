"""The operator's console: one module per subject, registered on the operator's site."""

from llmhub.admin import (
    access_tokens,
    factories,
    llms,
    operator_audit,
    plans,
    prices,
    shared_connections,
    tenants,
    users,
)

__all__ = [
    "access_tokens",
    "factories",
    "llms",
    "operator_audit",
    "plans",
    "prices",
    "shared_connections",
    "tenants",
    "users",
]
