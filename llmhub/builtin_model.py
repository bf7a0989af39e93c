"""The built-in model as a shared connection that every tenant has."""

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.selectors import catalog_llm
from tenants.actors import Actor
from tenants.models import ConnectionState, SharedConnection
from tenants.services.shared_connections import (
    SharedConnectionFacts,
    SharedModelFacts,
    shared_connection_save,
)

FACTORY = "Builtin"
NAME = "default"
_TYPES = (ModelType.CHAT, ModelType.EMBEDDING)


def builtin_connection_prepare(*, name: str, base_url: str, api_key: str) -> bool:
    """Point the shared connection at the running model; gives whether anything had to change.

    What an operator decided stays: a connection that is switched off is not switched on.
    """
    hint = Secret(api_key).last4()
    if _is_current(name, base_url, hint):
        return False
    known = catalog_llm(factory=FACTORY, llm_name=name)
    max_tokens = known.context_tokens if known else None
    shared_connection_save(
        facts=SharedConnectionFacts(
            llm_factory=FACTORY,
            name=NAME,
            base_url=base_url,
            models=tuple(SharedModelFacts(name, kind, max_tokens) for kind in _TYPES),
            credentials={"api_key": Secret(api_key)},
            key_hint=hint,
            state=ConnectionState.VALID,
            is_granted_to_all=True,
        ),
        actor=Actor.from_command("prepare_embedded"),
    )
    return True


def _is_current(name: str, base_url: str, hint: str) -> bool:
    row = SharedConnection.objects.filter(llm_factory=FACTORY, name=NAME).first()
    if row is None:
        return False
    is_same = (row.base_url, row.key_hint, row.is_granted_to_all) == (base_url, hint, True)
    models = set(row.shared_models.values_list("llm_name", "model_type"))
    return is_same and models == {(name, model_type.value) for model_type in _TYPES}
