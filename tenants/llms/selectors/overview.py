"""What a member sees first: the tenant's models, whether each can be called, what it has used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmhub.base.model_types import ModelType
from providers.selectors import factory_list
from tenants.llms.selectors.defaults import default_names
from tenants.llms.selectors.tenant_llms import configured_models, used_models
from tenants.models import Tenant


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
    logos = {factory.name: factory.logo for factory in factory_list(active_only=False)}
    used = {
        (factory, *_key(model, "name", "type")): model
        for factory, group in used_models(tenant=tenant, has_details=True).items()
        for model in group["llm"]
    }
    providers = tuple(
        ProviderSection(
            llm_factory=factory,
            logo=logos.get(factory, ""),
            models=tuple(_line(model, used) for model in models),
        )
        for factory, models in configured_models(tenant=tenant).items()
    )
    default = default_names(tenant=tenant)[ModelType.CHAT]
    return TenantOverview(providers, default or _first_chat_model(providers))


def _first_chat_model(providers: Iterable[ProviderSection]) -> str:
    ready = (
        f"{model.llm_name}@{provider.llm_factory}"
        for provider in providers
        for model in provider.models
        if model.is_ready and model.model_type == ModelType.CHAT
    )
    return next(ready, "")


def _line(model: dict[str, Any], used: Mapping[tuple[Any, ...], dict[str, Any]]) -> ModelLine:
    facts = used.get((model["fid"], *_key(model, "llm_name", "model_type")), {})
    return ModelLine(
        llm_name=model["llm_name"],
        model_type=model["model_type"],
        connection=model["connection"],
        is_shared=model["is_shared"],
        reason=model["reason"],
        connection_state=facts.get("state", ""),
        used_tokens=facts.get("used_token", 0),
    )


def _key(model: dict[str, Any], name: str, kind: str) -> tuple[Any, ...]:
    return (model["connection"], model["is_shared"], model[name], model[kind])
