"""`add_llm`: test one model as its type, and store it on its connection."""

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from llmhub.base.errors import Conflict, InvalidRequest
from llmhub.base.model_types import ModelType
from providers.names import validate_name
from providers.selectors import CatalogFactory, catalog_llm, factory_get
from tenants.actors import Actor
from tenants.keyring import keyring_of
from tenants.llms.models import Connection
from tenants.llms.provider_facts import (
    Address,
    Credentials,
    address_read,
    credentials_for_new_address,
    credentials_read,
    is_blank,
    protocol_of,
)
from tenants.llms.services.connections import (
    DEFAULT_NAME,
    ConnectionFacts,
    ModelFacts,
    connection_save,
)
from tenants.llms.stored_credentials import credentials_open
from tenants.llms.verification import Check, Verdict, verify
from tenants.models import ConnectionState, Tenant
from tenants.models.price_fields import Figures
from tenants.tenancy import in_schema


@dataclass(frozen=True)
class ModelRequest:
    """A blank `api_key` keeps the stored one, unless the address changes. `figures` are the price
    that the tenant pays; None keeps what is stored."""

    llm_factory: str
    llm_name: str
    model_type: ModelType
    api_key: Any = field(default="", repr=False)
    api_base: str = ""
    max_tokens: int | None = None
    connection_name: str = DEFAULT_NAME
    figures: Figures | None = None


@dataclass(frozen=True)
class AddedModel:
    connection: Connection
    verdict: Verdict
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Stored:
    """The connection as it is now, opened."""

    base_url: str
    credentials: Credentials = field(repr=False)
    other_models: tuple[str, ...]


def llm_add(*, tenant: Tenant, request: ModelRequest, actor: Actor) -> AddedModel:
    """Raises NotFound for the factory, InvalidRequest naming a field, NotSupported where no
    protocol serves the type, ProviderRefused when the model does not answer, and Conflict where
    a new address would take other models along. Then nothing is stored."""
    factory = factory_get(name=request.llm_factory, active_only=True)
    protocol_of(factory, request.model_type)
    _check_name(request.llm_name)
    max_tokens = _max_tokens(factory, request)
    stored = _stored(tenant, factory, request)
    address = _address(factory, request, stored)
    credentials = _credentials(factory, request, stored, address)
    verdict = verify(
        factory, address.url, credentials, [Check(request.model_type, request.llm_name)]
    )
    verdict.raise_if_refused()
    facts = ConnectionFacts(
        factory=factory,
        name=request.connection_name,
        base_url=address.url,
        credentials=credentials,
        state=ConnectionState.VALID,
    )
    model = ModelFacts(request.llm_name, request.model_type, max_tokens, request.figures)
    connection = connection_save(tenant=tenant, facts=facts, models=[model], actor=actor)
    return AddedModel(connection, verdict, address.notes)


def _check_name(llm_name: str) -> None:
    try:
        validate_name(llm_name)
    except ValidationError:
        raise InvalidRequest(
            "llm_name holds a character that no model name has.", field="llm_name"
        ) from None


def _max_tokens(factory: CatalogFactory, request: ModelRequest) -> int | None:
    known = catalog_llm(factory=factory.name, llm_name=request.llm_name)
    limit = known.context_tokens if known else None
    if request.max_tokens is None:
        return limit
    if limit is not None and request.max_tokens > limit:
        raise InvalidRequest(
            f"max_tokens is {request.max_tokens}, and {request.llm_name} takes at most {limit}.",
            field="max_tokens",
        )
    return request.max_tokens


def _stored(tenant: Tenant, factory: CatalogFactory, request: ModelRequest) -> _Stored | None:
    with in_schema(tenant):
        row = Connection.objects.filter(
            llm_factory=request.llm_factory, name=request.connection_name
        ).first()
        if row is None:
            return None
        opened = credentials_open(row, keyring_of(tenant), factory)
        others = row.tenant_llms.exclude(llm_name=request.llm_name).order_by("llm_name")
        return _Stored(row.base_url, opened, tuple(others.values_list("llm_name", flat=True)))


def _address(factory: CatalogFactory, request: ModelRequest, stored: _Stored | None) -> Address:
    if stored is None:
        return address_read(factory, request.api_base)
    if not request.api_base.strip():
        return Address(stored.base_url)
    address = address_read(factory, request.api_base)
    if address.url != stored.base_url and stored.other_models:
        named = ", ".join(stored.other_models[:3])
        raise Conflict(
            f"The connection {request.connection_name} of {factory.name} has another address, and "
            f"other models use it ({named}). Give this one a `connection` name of its own.",
            code="address_in_use",
            details={"field": "api_base"},
        )
    return address


def _credentials(
    factory: CatalogFactory, request: ModelRequest, stored: _Stored | None, address: Address
) -> Credentials:
    if not is_blank(request.api_key):
        return credentials_read(factory, request.api_key)
    if stored is None:
        return credentials_read(factory, "")
    if stored.base_url == address.url:
        return stored.credentials
    return credentials_for_new_address(factory)
