"""The one place that switches schemas."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django_tenants.utils import tenant_context

from tenants.models import Tenant


@contextmanager
def in_schema(tenant: Tenant) -> Iterator[None]:
    """Queries inside the block see the tenant's tables and the shared ones.

    For synchronous code alone, and queries are evaluated before the block ends. Raises RuntimeError
    in a running event loop: the schema belongs to the thread's connection, and another coroutine
    would read this tenant's rows.
    """
    if _is_in_event_loop():
        raise RuntimeError("in_schema is for synchronous code: call one unit with sync_to_async")
    if connection.schema_name == tenant.schema_name:  # type: ignore[attr-defined]
        yield  # entering again would set the same search path twice
        return
    with tenant_context(tenant):
        yield


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
