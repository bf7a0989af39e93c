"""/llm/budgets: money and tokens in a period."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.base.errors import InvalidRequest
from llmhub.envelope import done
from tenants.limits.api.limits import ScopeSerializer
from tenants.limits.periods import PeriodKind
from tenants.limits.selectors import budget_get, budget_list
from tenants.limits.services.budgets import (
    DEFAULT_ALERT_SHARES,
    MAX_SHARES,
    BudgetFacts,
    budget_create,
    budget_delete,
    budget_update,
)
from tenants.limits.services.scopes import ScopeFacts
from tenants.limits.units import Unit, nano_usd
from tenants.llms.api.base import TenantView
from tenants.llms.api.fields import LineField
from tenants.llms.api.schema import done_with, enveloped, page_of, page_parameters


class AmountField(serializers.DecimalField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=25, decimal_places=9, **kwargs)


class BudgetFactsSerializer(serializers.Serializer[Any]):
    name = LineField(max_length=80)
    amount = AmountField(help_text="USD, or whole tokens, as `unit` says. A string keeps it exact.")
    is_hard = serializers.BooleanField(
        required=False,
        default=True,
        help_text="True: calls without room are refused. False: people are told, and nothing else.",
    )
    alert_shares = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=100),
        required=False,
        default=list(DEFAULT_ALERT_SHARES),
        max_length=MAX_SHARES,
        help_text="Percentages of the amount at which people are told, once in a period.",
    )


class NewBudgetSerializer(ScopeSerializer, BudgetFactsSerializer):
    unit = serializers.ChoiceField(choices=[unit.value for unit in Unit])
    period = serializers.ChoiceField(
        choices=[period.value for period in PeriodKind],
        help_text="In the tenant's time zone; `total` is for good.",
    )


class BudgetSerializer(NewBudgetSerializer):
    id = serializers.UUIDField()
    is_plans = serializers.BooleanField(help_text="Of the tenant's plan: the operator's to change.")
    spent = serializers.CharField()
    reserved = serializers.CharField(help_text="By calls that are running.")
    left = serializers.CharField()
    starts_at = serializers.DateTimeField(allow_null=True)
    resets_at = serializers.DateTimeField(allow_null=True)


class BudgetsView(TenantView):
    @extend_schema(
        operation_id="budgets_list",
        summary="The budgets of the tenant's plan, and its own, with what is spent and left",
        parameters=page_parameters(),
        responses=enveloped("BudgetList", page_of("Budget", BudgetSerializer)),
    )
    def get(self, request: Request) -> Response:
        return self.paged(budget_list(tenant=self.tenant))

    @extend_schema(
        operation_id="budgets_create",
        summary="Add a budget; what its period has spent already counts",
        request=NewBudgetSerializer,
        responses=done_with("BudgetCreate", {"budget": BudgetSerializer()}, 400, 404, 409),
    )
    def post(self, request: Request) -> Response:
        body = self.validated(NewBudgetSerializer)
        unit = Unit(body["unit"])
        row = budget_create(
            tenant=self.tenant,
            scope=ScopeFacts(body["access_token_id"], body["model"]),
            unit=unit,
            period=PeriodKind(body["period"]),
            facts=_facts(body, unit),
            actor=self.principal.actor,
        )
        return Response(done(budget=budget_get(tenant=self.tenant, budget_id=row.pk)))


class BudgetView(TenantView):
    @extend_schema(
        operation_id="budgets_get",
        summary="One budget",
        responses=enveloped("Budget", BudgetSerializer(), 404),
    )
    def get(self, request: Request, budget_id: UUID) -> Response:
        return Response(budget_get(tenant=self.tenant, budget_id=budget_id))

    @extend_schema(
        operation_id="budgets_change",
        summary="Change a budget of the tenant's own: its name, amount, kind and alerts",
        request=BudgetFactsSerializer(partial=True),
        responses=done_with("BudgetChange", {"budget": BudgetSerializer()}, 400, 404),
    )
    def patch(self, request: Request, budget_id: UUID) -> Response:
        known = budget_get(tenant=self.tenant, budget_id=budget_id)
        known["amount"] = Decimal(known["amount"])
        wanted = self.validated(BudgetFactsSerializer, partial=True)
        budget_update(
            tenant=self.tenant,
            budget_id=budget_id,
            facts=_facts(known | wanted, Unit(known["unit"])),
            actor=self.principal.actor,
        )
        return Response(done(budget=budget_get(tenant=self.tenant, budget_id=budget_id)))

    @extend_schema(
        operation_id="budgets_delete",
        summary="Remove a budget of the tenant's own",
        responses=done_with("BudgetDelete", {}, 404),
    )
    def delete(self, request: Request, budget_id: UUID) -> Response:
        budget_delete(tenant=self.tenant, budget_id=budget_id, actor=self.principal.actor)
        return Response(done())


def _facts(body: dict[str, Any], unit: Unit) -> BudgetFacts:
    return BudgetFacts(
        name=body["name"],
        amount=_amount(body["amount"], unit),
        is_hard=body["is_hard"],
        alert_shares=tuple(body["alert_shares"]),
    )


def _amount(amount: Decimal, unit: Unit) -> int:
    if unit is Unit.USD:
        return nano_usd(amount)
    if amount != amount.to_integral_value():
        raise InvalidRequest("amount: tokens are whole.", field="amount")
    return int(amount)
