"""Usage events to record."""

import uuid
from datetime import UTC, datetime
from typing import Any

from tenants.models import TenantUsageDaily
from tenants.tenancy import in_schema
from tenants.usage.events import UsageFacts
from tenants.usage.models import UsageDaily
from tests.committed_people import Person

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def usage(person: Person, **changes: Any) -> UsageFacts:
    """An event of ten tokens in and five out."""
    facts: dict[str, Any] = {
        "id": uuid.uuid4(),
        "request_id": uuid.uuid4(),
        "tenant_id": person.tenant.pk,
        "at": NOON,
        "access_token_id": person.token_id,
        "connection_id": uuid.UUID(int=1),
        "connection_name": "default",
        "is_shared": False,
        "llm_factory": "Scripted",
        "llm_name": "test-chat",
        "model_type": "chat",
        "input_tokens": 10,
        "output_tokens": 5,
        "cached_tokens": 2,
        "reasoning_tokens": 1,
        "http_status": 200,
        "latency_ms": 12,
    }
    return UsageFacts(**facts | changes)


def daily(person: Person) -> list[tuple[Any, ...]]:
    """The tenant's rollup: day, model, requests, failed, input, output, cached, reasoning."""
    with in_schema(person.tenant):
        rows = UsageDaily.objects.order_by("day", "connection_id", "llm_name")
        return list(
            rows.values_list(
                "day",
                "llm_name",
                "requests",
                "failed_requests",
                "input_tokens",
                "output_tokens",
                "cached_tokens",
                "reasoning_tokens",
            )
        )


def shared_daily(person: Person) -> list[tuple[Any, ...]]:
    """What the operator's reports read: day, model, requests, failed, input, output."""
    rows = TenantUsageDaily.objects.filter(tenant=person.tenant).order_by("day", "llm_name")
    return list(
        rows.values_list(
            "day",
            "llm_name",
            "requests",
            "failed_requests",
            "input_tokens",
            "output_tokens",
        )
    )
