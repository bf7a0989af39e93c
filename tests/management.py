"""A provider on loopback, and short ways to add what most tests need."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api import Answer, Api
from tests.people import Person
from tests.provider_server import ProviderServer, running_provider

KEY = "sk-right-0123456789abcdefWXYZ"
WRONG_KEY = "sk-wrong-9876543210fedcbaQRST"
COMPATIBLE = "OpenAI-API-Compatible"


@pytest.fixture
def provider() -> Iterator[ProviderServer]:
    with running_provider(api_key=KEY) as server:
        yield server


def model_body(provider: ProviderServer, **changes: Any) -> dict[str, Any]:
    """What `add_llm` wants for a model that the provider has."""
    body = {
        "llm_factory": COMPATIBLE,
        "llm_name": "test-chat",
        "model_type": "chat",
        "api_key": KEY,
        "api_base": provider.url,
    }
    return body | changes


def model_add(api: Api, provider: ProviderServer, **changes: Any) -> Answer:
    return api.post("add_llm", model_body(provider, **changes)).require_success()


def key_set(api: Api, provider: ProviderServer, **changes: Any) -> Answer:
    body = {"llm_factory": "OpenAI", "api_key": KEY, "api_base": provider.url}
    return api.post("set_api_key", body | changes)


def connections(api: Api) -> list[dict[str, Any]]:
    return api.get("connections").require_success().data["items"]


def models(api: Api, **query: Any) -> list[dict[str, Any]]:
    """What /llm/list says, without its grouping."""
    listed = api.get("list", **query).require_success().data
    return [model for group in listed.values() for model in group]


@pytest.fixture
def chat(alice: Person, provider: ProviderServer) -> Person:
    """Alice, with the model `test-chat` on a connection of her own."""
    model_add(alice.api, provider)
    return alice
