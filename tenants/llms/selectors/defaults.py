"""Reading a tenant's default models."""

from llmhub.base.model_types import ModelType
from tenants.llms.snapshot_build import defaults_of
from tenants.models import Tenant


def default_names(*, tenant: Tenant) -> dict[str, str]:
    """For each type the name that a call would use, such as `gpt-4@OpenAI`; empty: none is set."""
    chosen = defaults_of(tenant)
    names = {t: chosen[t].usual_name for t in chosen}
    return {t.value: names.get(t, "") for t in ModelType}
