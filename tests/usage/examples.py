"""Usage events to record."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tenants.models import TenantUsageDaily
from tenants.tenancy import in_schema
from tenants.usage.events import UsageFacts, event_id
from tenants.usage.models import UsageDaily, UsageHourly
from tests.committed_people import Person

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
COST = Decimal("0.000035000")


def request_id_at(moment: datetime) -> uuid.UUID:
    """What the gateway would have given to a request of that moment."""
    drawn = uuid.uuid4().int & ((1 << 62) - 1) & ~0xFF
    milliseconds = int(moment.timestamp() * 1000)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | drawn)


def usage(person: Person, **changes: Any) -> UsageFacts:
    """An event of ten tokens in and five out, for 35 millionths of a dollar."""
    request_id = changes.get("request_id") or request_id_at(changes.get("at", NOON))
    facts: dict[str, Any] = {
        "id": event_id(request_id, changes.get("attempt", 1)),
        "request_id": request_id,
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
        "cost_usd": COST,
        "price_source": "shipped",
        "http_status": 200,
        "result_status": 200,
        "latency_ms": 12,
    }
    return UsageFacts(**facts | changes)


def daily(person: Person) -> list[tuple[Any, ...]]:
    """The tenant's rollup: day, model, requests, failed, input, output, cached, reasoning."""
    with in_schema(person.tenant):
        rows = UsageDaily.objects.order_by("day", "connection_id", "llm_name", "-status")
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


ROLLUPS = (UsageHourly, UsageDaily)


def every_sum(person: Person) -> dict[str, list[dict[str, Any]]]:
    """The three rollups as they are, to compare before and after."""
    shared = TenantUsageDaily.objects.filter(tenant=person.tenant)
    found = {"shared": list(shared.order_by("day", "llm_name").values())}
    for row in found["shared"]:
        del row["id"]
    with in_schema(person.tenant):
        for model in ROLLUPS:
            rows = model.objects.order_by(*model._meta.pk.field_names)
            found[model.__name__] = list(rows.values())
    return found
