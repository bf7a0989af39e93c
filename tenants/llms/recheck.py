"""Asking for a connection to be tested again, after a call to its provider failed.

A set in Valkey, so that a thousand failing calls ask once. It is a wish and no record: what is lost
with Valkey is found again by the periodic checks.
"""

from typing import cast
from uuid import UUID

from llmhub.base.errors import ServiceUnavailable
from llmhub.base.valkey import ValkeyError, valkey

RECHECK_KEY = "hub:recheck"
_BATCH = 100


def recheck_member(tenant_id: UUID, connection_id: UUID) -> str:
    """What the gateway adds to the set; a shared connection goes under the platform's tenant."""
    return f"{tenant_id}:{connection_id}"


def recheck_ask(tenant_id: UUID, connection_id: UUID) -> None:
    """A person asks. Raises ServiceUnavailable where the wish cannot be noted."""
    try:
        valkey().sadd(RECHECK_KEY, recheck_member(tenant_id, connection_id))
    except ValkeyError:
        raise ServiceUnavailable(
            "The test could not be asked for, because Valkey/Redis does not answer.",
            retry_after_s=30,
        ) from None


def rechecks_take() -> list[tuple[UUID, UUID]]:
    """Up to a hundred wishes as (tenant id, connection id), taken off the set."""
    taken = cast("list[bytes]", valkey().spop(RECHECK_KEY, _BATCH) or [])
    pairs = (member.decode().partition(":") for member in taken)
    return [(UUID(tenant), UUID(connection)) for tenant, _, connection in pairs]
