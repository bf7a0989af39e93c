"""Who changed what belongs to the platform. Rows are only ever added, by the services."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from llmhub.admin.audited import ReadOnlyAdmin
from tenants.models import OperatorAuditEntry


@admin.register(OperatorAuditEntry)
class OperatorAuditAdmin(ReadOnlyAdmin):
    list_display = ("at", "who", "action", "kind", "what", "where")
    list_filter = ("action", "target_kind", "actor_kind", "at")
    search_fields = ("actor_label", "action", "target_label", "target_id")
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False
    actions = None
    fields = (
        "at",
        "who",
        "actor_kind",
        "where",
        "action",
        "kind",
        "what",
        "target_id",
        "was",
        "became",
    )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    @admin.display(description="who", ordering="actor_label")
    def who(self, entry: OperatorAuditEntry) -> str:
        return entry.actor_label

    @admin.display(description="changed", ordering="target_kind")
    def kind(self, entry: OperatorAuditEntry) -> str:
        return entry.target_kind.replace("_", " ")

    @admin.display(description="which", ordering="target_label")
    def what(self, entry: OperatorAuditEntry) -> str:
        return entry.target_label

    @admin.display(description="from address", ordering="source_ip")
    def where(self, entry: OperatorAuditEntry) -> str:
        return entry.source_ip or "-"

    @admin.display(description="before")
    def was(self, entry: OperatorAuditEntry) -> SafeString | str:
        return _pretty(entry.before)

    @admin.display(description="after")
    def became(self, entry: OperatorAuditEntry) -> SafeString | str:
        return _pretty(entry.after)


def _pretty(value: Any) -> SafeString | str:
    if value is None:
        return "-"
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    return format_html('<pre style="white-space: pre-wrap; overflow-wrap: anywhere">{}</pre>', text)
