from collections.abc import Iterator

import pytest

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from tenants.models import ConnectionState, SharedConnection
from tenants.services.shared_connections import (
    SharedConnectionFacts,
    SharedModelFacts,
    shared_connection_save,
)
from tests.people import ACTOR, Person
from tests.provider_server import ProviderServer, running_provider
from tests.secrets.canary import CANARY, SECOND


@pytest.fixture
def strict() -> Iterator[ProviderServer]:
    """A provider that takes the canary alone, and repeats a key that it refuses."""
    with running_provider(api_key=CANARY) as server:
        yield server


def keys_store(person: Person, provider: ProviderServer) -> None:
    """The canaries where keys may be: on a tenant's connection and on the operator's."""
    body = {"llm_factory": "VLLM", "api_key": CANARY, "api_base": provider.url}
    person.api.post("set_api_key", body).require_success()
    facts = SharedConnectionFacts(
        llm_factory="VLLM",
        name="house",
        base_url=provider.url,
        models=(SharedModelFacts("house-chat", ModelType.CHAT),),
        credentials={"api_key": Secret(SECOND)},
        key_hint=SECOND[-4:],
        state=ConnectionState.VALID,
        is_granted_to_all=True,
    )
    shared_connection_save(facts=facts, actor=ACTOR)


@pytest.fixture
def stored(alice: Person, strict: ProviderServer) -> tuple[Person, SharedConnection]:
    keys_store(alice, strict)
    return alice, SharedConnection.objects.get()
