"""What tests of the console's pages share."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tenants.models import OperatorAuditEntry


def page(model: str, view: str, *args: Any) -> str:
    return reverse(f"admin:tenants_{model}_{view}", args=args)


def act(console: Client, model: str, action: str, rows: list[Any]) -> Any:
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return console.post(page(model, "changelist"), data, follow=True)


def text(response: Any) -> str:
    return str(response.content.decode())


def actions_since(entry_id: int = 0) -> list[str]:
    rows = OperatorAuditEntry.objects.filter(pk__gt=entry_id).order_by("pk")
    return list(rows.values_list("action", flat=True))


def last_entry_id() -> int:
    newest = OperatorAuditEntry.objects.order_by("-pk").first()
    return newest.pk if newest else 0


def queries(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert ask().status_code == 200
    return len(captured)
