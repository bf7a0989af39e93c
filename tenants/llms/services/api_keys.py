"""`set_api_key`: test a key against its provider, and store it with the factory's models."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from llmhub.base.errors import NotSupported, Unprocessable
from llmhub.base.model_types import ModelType
from providers.names import MAX_NAME_LENGTH, validate_name
from providers.selectors import CatalogFactory, CatalogModel, catalog_models, factory_get
from tenants.actors import Actor
from tenants.llms.models import Connection
from tenants.llms.provider_facts import (
    Credentials,
    address_read,
    credentials_read,
    is_served,
    protocol_of,
)
from tenants.llms.services.connections import (
    DEFAULT_NAME,
    ConnectionFacts,
    ModelFacts,
    connection_save,
)
from tenants.llms.verification import Check, Verdict, models_listed, verify
from tenants.models import ConnectionState, Tenant

MAX_LISTED = 2_000
"""Of the models that a provider lists, this many are taken; others are added by name."""


@dataclass(frozen=True)
class KeyRequest:
    """`api_key` is a string, an object with the factory's fields, or that object as JSON."""

    llm_factory: str
    api_key: Any = field(repr=False)
    api_base: str = ""
    connection_name: str = DEFAULT_NAME
    is_verified_only: bool = False
    is_tested: bool = True


@dataclass(frozen=True)
class KeyResult:
    """`connection` is None where nothing was to be stored; `notes` say what was mended."""

    connection: Connection | None
    models: tuple[ModelFacts, ...]
    verdict: Verdict
    notes: tuple[str, ...]


def api_key_set(*, tenant: Tenant, request: KeyRequest, actor: Actor) -> KeyResult:
    """Check the format, then ask the provider, then store the connection and its models.

    Raises NotFound for the factory, InvalidRequest naming a field, NotSupported where no protocol
    serves it yet, ProviderRefused when the key does not work. Then nothing is stored and what was
    there is kept.
    """
    factory = factory_get(name=request.llm_factory, active_only=True)
    credentials = credentials_read(factory, request.api_key)
    address = address_read(factory, request.api_base)
    models = models_known(factory)
    if request.is_tested and not models:
        models = models_found(factory, address.url, credentials)
    verdict = Verdict.untested()
    if request.is_tested:
        plan = [Check(m.model_type, m.llm_name) for m in models]
        verdict = verify(factory, address.url, credentials, plan)
        verdict.raise_if_refused()
    if request.is_verified_only:
        return KeyResult(None, models, verdict, address.notes)
    facts = ConnectionFacts(
        factory=factory,
        name=request.connection_name,
        base_url=address.url,
        credentials=credentials,
        state=ConnectionState.VALID if request.is_tested else ConnectionState.UNVERIFIED,
    )
    connection = connection_save(tenant=tenant, facts=facts, models=models, actor=actor)
    return KeyResult(connection, models, verdict, address.notes)


def models_known(factory: CatalogFactory) -> tuple[ModelFacts, ...]:
    """The catalog's models that the hub can call; none where the catalog has none of the factory.

    Raises NotSupported where no protocol serves any of them.
    """
    known = catalog_models(factory=factory.name)
    if not known:
        protocol_of(factory, next(iter(factory.model_types), ModelType.CHAT))
        return ()
    return _callable(factory, known)


def models_found(
    factory: CatalogFactory, base_url: str, credentials: Credentials
) -> tuple[ModelFacts, ...]:
    """What the provider lists. Raises Unprocessable where that is nothing, and as `models_listed`
    does."""
    listed = models_listed(factory, base_url, credentials)
    found = [
        ModelFacts(model.llm_name, model_type, model.context_tokens)
        for model in listed[:MAX_LISTED]
        for model_type in sorted(model.model_types)
        if is_served(factory, model_type) and _is_name(model.llm_name)
    ]
    if not found:
        raise Unprocessable(
            f"{factory.name} lists no models at this address. Add each one by its name with "
            "POST /llm/add_llm.",
            code="no_models_listed",
        )
    return tuple(found)


def _is_name(listed: str) -> bool:
    """A provider may list anything; what is no name of a model is passed over."""
    try:
        validate_name(listed)
    except ValidationError:
        return False
    return len(listed) <= MAX_NAME_LENGTH


def _callable(factory: CatalogFactory, models: Sequence[CatalogModel]) -> tuple[ModelFacts, ...]:
    found = tuple(
        ModelFacts(model.llm_name, model_type, model.context_tokens)
        for model in models
        for model_type in model.model_types
        if is_served(factory, model_type)
    )
    if not found:
        protocol_of(factory, models[0].model_types[0])
        raise NotSupported(f"Models from {factory.name} are not supported yet.")
    return found
