"""The hub's own books, read straight from its database. Import after Django is set up."""

from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import OperationalError, connections

from llmhub.base.valkey import valkey
from tenants.services.tenants import tenant_by_slug
from tenants.tenancy import in_schema
from tenants.usage.drain import GROUP
from tenants.usage.events import STREAM
from tenants.usage.models import UsageEvent

DEMO = "demo"


def ledger_rows() -> list[dict[str, Any]]:
    """The attempts in the tenant's ledger."""
    connections.close_all()
    with in_schema(tenant_by_slug(DEMO)):
        return [
            {
                "request_id": str(row.request_id),
                "model": row.llm_name,
                "input_tokens": row.input_tokens,
                "output_tokens": row.output_tokens,
                "is_estimated": row.is_estimated,
                "error_kind": row.error_kind,
            }
            for row in UsageEvent.objects.all()
        ]


def port_of(program: str) -> int:
    url = {"postgres": settings.HUB.database_url, "valkey": settings.HUB.redis_url}[program]
    return urlsplit(url).port or 0


def ledger_ids() -> Counter[str]:
    return Counter(row["request_id"] for row in ledger_rows() if row["input_tokens"])


def usage_is_drained() -> bool:
    """Whether nothing stands in the stream, read or unread."""
    client: Any = valkey()
    try:
        if client.xlen(STREAM):
            return False
        groups = client.xinfo_groups(STREAM) if client.exists(STREAM) else []
    except (OSError, OperationalError):
        return False
    return all(group["pending"] == 0 for group in groups if group["name"] == GROUP.encode())
