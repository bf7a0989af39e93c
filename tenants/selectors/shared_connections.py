"""Reading the operator's shared connections."""

from tenants.models import SharedConnection


def shared_connection_exists(*, llm_factory: str, name: str) -> bool:
    return SharedConnection.objects.filter(llm_factory=llm_factory, name=name).exists()
