"""Which models to call to learn whether a connection works."""

from llmhub.base.model_types import ModelType
from tenants.llms.stored_credentials import AnyConnection
from tenants.llms.verification import Check
from tenants.models import SharedConnection


def checks_of(row: AnyConnection) -> list[Check]:
    """In the tenant's schema: what is switched on first, then the rest, by name."""
    if isinstance(row, SharedConnection):
        rows = row.shared_models.order_by("-is_enabled", "llm_name")
        return [Check(ModelType(m.model_type), m.llm_name) for m in rows]
    models = row.tenant_llms.order_by("-is_enabled", "llm_name")
    return [Check(ModelType(m.model_type), m.llm_name) for m in models]
