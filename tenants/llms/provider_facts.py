"""Putting together what a call to a provider needs: the factory, an address, credentials."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from llmhub.base.errors import InvalidRequest, MissingParameter, NotSupported
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.addresses import check_url
from providers.base_urls import base_url_normalise
from providers.credentials import CredentialField, credentials_parse
from providers.protocols.registry import protocol_find, protocol_serves
from providers.protocols.wire import Target, WireProtocol
from providers.selectors import CatalogFactory

Credentials = Mapping[str, str | Secret]

_SPOKEN = {
    ModelType.CHAT: "Chat",
    ModelType.EMBEDDING: "Embedding",
    ModelType.RERANK: "Rerank",
    ModelType.IMAGE2TEXT: "Image2text",
    ModelType.SPEECH2TEXT: "Speech2text",
    ModelType.TTS: "TTS",
    ModelType.IMAGE: "Image",
    ModelType.MODERATION: "Moderation",
}


@dataclass(frozen=True)
class Address:
    """`url` is empty where the factory's own addresses are used; `notes` say what was mended."""

    url: str
    notes: tuple[str, ...] = ()


def address_read(factory: CatalogFactory, api_base: str) -> Address:
    """Normalise and check the base URL that a person gave.

    Raises MissingParameter where the factory has no address of its own, InvalidRequest and
    AddressForbidden naming `api_base`.
    """
    if not api_base.strip():
        if factory.base_url_required:
            raise MissingParameter("api_base")
        return Address("")
    endpoint = next(iter(factory.endpoints.values()))
    protocol = protocol_find(endpoint.protocol)
    base = base_url_normalise(
        api_base,
        default_url=endpoint.base_url,
        version_path=protocol.version_path if protocol else "",
    )
    check_url(base.url, settings.HUB.hub_egress_allow)
    return Address(base.url, base.notes)


def credentials_read(factory: CatalogFactory, api_key: Any) -> dict[str, str | Secret]:
    """Raises MissingParameter, and InvalidRequest naming the field of the factory's form."""
    fields = [CredentialField.from_json(raw) for raw in factory.credential_fields]
    if is_blank(api_key) and any(field.is_required for field in fields):
        raise MissingParameter("api_key")
    return credentials_parse(fields, api_key)


def credentials_for_new_address(factory: CatalogFactory) -> dict[str, str | Secret]:
    """What is left where the address changes and no key came with it: a key is never sent to an
    address that it was not given for. Raises InvalidRequest where the factory needs one."""
    try:
        return credentials_read(factory, "")
    except MissingParameter:
        raise InvalidRequest(
            "The address changes, and the stored key is not sent to the new one. Send api_key "
            "again.",
            field="api_key",
        ) from None


def is_blank(api_key: Any) -> bool:
    return api_key in (None, {}) or (isinstance(api_key, str) and not api_key.strip())


def key_hint(factory: CatalogFactory, credentials: Credentials) -> str:
    """The last four characters of the first secret: enough to tell keys apart."""
    secrets = (v for v in credentials.values() if isinstance(v, Secret))
    return next((secret.last4() for secret in secrets), "")


def protocol_of(factory: CatalogFactory, model_type: ModelType) -> WireProtocol:
    """Raises NotSupported where no protocol of the hub serves this type of this factory."""
    if not is_served(factory, model_type):
        raise NotSupported(
            f"{_SPOKEN[model_type]} model from {factory.name} is not supported yet.",
            code="protocol_not_supported",
            details={"llm_factory": factory.name, "model_type": model_type.value},
        )
    protocol = protocol_find(factory.endpoints[model_type].protocol)
    assert protocol is not None
    return protocol


def is_served(factory: CatalogFactory, model_type: ModelType) -> bool:
    endpoint = factory.endpoints.get(model_type)
    return endpoint is not None and protocol_serves(endpoint.protocol, model_type)


def target_of(
    factory: CatalogFactory, model_type: ModelType, base_url: str, credentials: Credentials
) -> Target:
    """Raises MissingParameter where neither the connection nor the factory has an address, and the
    protocol does not know one."""
    url = base_url or factory.endpoints[model_type].base_url
    if not url and factory.base_url_required:
        raise MissingParameter("api_base")
    return Target(base_url=url, credentials=credentials)


def model_type_read(text: str) -> ModelType:
    """Raises InvalidRequest naming `model_type` and what it may be."""
    try:
        return ModelType(text)
    except ValueError:
        known = ", ".join(ModelType)
        raise InvalidRequest(
            f"Unknown model_type '{text[:40]}'. Use one of {known}.", field="model_type"
        ) from None
