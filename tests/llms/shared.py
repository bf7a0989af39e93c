"""A model that the operator grants to every tenant."""

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from tenants.models import ConnectionState, SharedConnection
from tenants.services.shared_connections import (
    SharedConnectionFacts,
    SharedModelFacts,
    shared_connection_save,
)
from tests.management import KEY
from tests.people import ACTOR
from tests.provider_server import ProviderServer


def shared_model_grant(provider: ProviderServer, llm_name: str = "house-chat") -> SharedConnection:
    facts = SharedConnectionFacts(
        llm_factory="VLLM",
        name="house",
        base_url=provider.url,
        models=(SharedModelFacts(llm_name, ModelType.CHAT, 1000),),
        credentials={"api_key": Secret(KEY)},
        key_hint=KEY[-4:],
        state=ConnectionState.VALID,
        is_granted_to_all=True,
    )
    return shared_connection_save(facts=facts, actor=ACTOR)
