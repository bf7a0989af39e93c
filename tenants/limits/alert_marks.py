"""Budgets that have reached a share of their amount: a set in Valkey, from the gateway to a
task."""

from collections.abc import Iterator
from typing import cast
from uuid import UUID

from llmhub.base.valkey import valkey

MARKS_KEY = "hub:alerts"
_AT_ONCE = 500


def mark(tenant_id: UUID, budget_id: UUID) -> str:
    return f"{tenant_id}|{budget_id}"


def marks_take() -> Iterator[tuple[UUID, UUID]]:
    """Tenant and budget; each is taken by one task. What is lost with it is marked again by the
    gateways' next start, or with the next share."""
    taken = cast("list[bytes]", valkey().spop(MARKS_KEY, _AT_ONCE) or [])
    for member in taken:
        tenant_id, _, budget_id = member.decode().partition("|")
        try:
            yield UUID(tenant_id), UUID(budget_id)
        except ValueError:
            continue
