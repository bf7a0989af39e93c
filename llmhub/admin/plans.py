"""Plans: the limits and budgets that the operator grants."""

from dataclasses import replace
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from llmhub.admin.audited import AuditedAdmin, actor_of
from tenants.models import Plan
from tenants.services.plans import (
    PlanFacts,
    plan_create,
    plan_delete,
    plan_facts,
    plan_update,
)


@admin.register(Plan)
class PlanAdmin(AuditedAdmin):
    """A tenant's own limits can be lower than its plan's, never higher. Empty is unlimited."""

    list_display = (
        "name",
        "requests_per_minute",
        "tokens_per_minute",
        "concurrency",
        "budget_usd",
        "budget_tokens",
        "tenant_count",
    )
    search_fields = ("name",)
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name",)}),
        ("Limits", {"fields": ("requests_per_minute", "tokens_per_minute", "concurrency")}),
        (
            "Budgets",
            {
                "fields": (
                    ("budget_usd", "budget_usd_period"),
                    ("budget_tokens", "budget_tokens_period"),
                )
            },
        ),
    )
    actions = ("delete_unused",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        rows: QuerySet[Plan] = super().get_queryset(request)
        return rows.annotate(tenant_count=Count("tenants"))

    def row_create(self, request: HttpRequest, values: dict[str, Any]) -> Plan:
        return plan_create(facts=PlanFacts(**values), actor=actor_of(request))

    def row_update(self, request: HttpRequest, obj: Plan, values: dict[str, Any]) -> None:
        # The form has put the new values into the row already; the stored ones are what is left.
        facts = replace(plan_facts(obj), **values)
        plan_update(plan_id=obj.pk, facts=facts, actor=actor_of(request))

    @admin.action(description="Delete (plans that no tenant has)")
    def delete_unused(self, request: HttpRequest, queryset: QuerySet[Plan]) -> None:
        plans = list(queryset)
        for plan in plans:
            plan_delete(plan_id=plan.pk, actor=actor_of(request))
        messages.success(request, f"Deleted: {len(plans)}.")

    @admin.display(description="tenants", ordering="tenant_count")
    def tenant_count(self, plan: Plan) -> int:
        return int(getattr(plan, "tenant_count", 0))
