"""What a member sees first: the tenant's models, whether each can be called, what it has used."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from llmhub.base.model_types import ModelType
from providers.selectors import factory_list
from tenants.llms.selectors.tenant_llms import states_of, used_tokens_of
from tenants.llms.snapshot_build import snapshot_build
from tenants.models import Tenant
from tenants.snapshots import ModelView


@dataclass(frozen=True)
class ModelLine:
    """`reason` is the code that a call would be refused with; empty: it would be admitted.

    `connection_state` is what the last test of its connection found.
    """

    llm_name: str
    model_type: str
    connection: str
    is_shared: bool
    reason: str
    connection_state: str
    used_tokens: int

    @property
    def is_ready(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class ProviderSection:
    llm_factory: str
    logo: str
    models: tuple[ModelLine, ...]

    @property
    def ready(self) -> int:
        return sum(model.is_ready for model in self.models)

    @property
    def used_tokens(self) -> int:
        return sum(model.used_tokens for model in self.models)


@dataclass(frozen=True)
class TenantOverview:
    """Providers in the order of their rank. `example_model` is a chat model that can be called now:
    the default, or else the first; empty: there is none."""

    providers: tuple[ProviderSection, ...]
    example_model: str

    @property
    def models(self) -> int:
        return sum(len(provider.models) for provider in self.providers)

    @property
    def ready(self) -> int:
        return sum(provider.ready for provider in self.providers)

    @property
    def used_tokens(self) -> int:
        return sum(provider.used_tokens for provider in self.providers)


def tenant_overview(*, tenant: Tenant) -> TenantOverview:
    """As the gateway sees the tenant; nothing of one that has been suspended meanwhile."""
    snapshot = snapshot_build(tenant.pk)
    models = snapshot.models if snapshot else ()
    default = snapshot.defaults.get(ModelType.CHAT) if snapshot else None
    used, states = used_tokens_of(tenant), states_of(tenant)
    lines: dict[str, list[ModelLine]] = defaultdict(list)
    for model in models:
        state = states.get(model.connection.id, {}).get("state", "")
        tokens = used.get((model.connection.id, model.llm_name, model.model_type.value), 0)
        lines[model.llm_factory].append(_line(model, state, tokens))
    providers = tuple(
        ProviderSection(factory.name, factory.logo, tuple(lines[factory.name]))
        for factory in factory_list(active_only=False)
        if factory.name in lines
    )
    return TenantOverview(providers, default.usual_name if default else _first_chat(models))


def _first_chat(models: Iterable[ModelView]) -> str:
    chat = (m.usual_name for m in models if m.model_type is ModelType.CHAT and not m.refusal)
    return next(chat, "")


def _line(model: ModelView, state: str, used_tokens: int) -> ModelLine:
    return ModelLine(
        llm_name=model.llm_name,
        model_type=model.model_type.value,
        connection=model.connection.name,
        is_shared=model.connection.is_shared,
        reason=model.refusal,
        connection_state=state,
        used_tokens=used_tokens,
    )
