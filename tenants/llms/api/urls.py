"""Where /llm leads."""

from django.urls import path

from tenants.limits.api import alerts, budgets, limits
from tenants.llms.api import (
    connections,
    defaults,
    factories,
    keys,
    models,
    prices,
    routes,
    tokens,
)
from tenants.usage.api.requests import RequestsView, RequestView
from tenants.usage.api.settings import LedgerSettingsView
from tenants.usage.api.usage import UsageView

urlpatterns = [
    path("factories", factories.FactoriesView.as_view()),
    path("set_api_key", keys.SetApiKeyView.as_view()),
    path("delete_factory", keys.DeleteFactoryView.as_view()),
    path("add_llm", models.AddLLMView.as_view()),
    path("delete_llm", models.DeleteLLMView.as_view()),
    path("enable_llm", models.EnableLLMView.as_view()),
    path("set_price", prices.SetPriceView.as_view()),
    path("list", models.ListView.as_view()),
    path("my_llms", models.MyLLMsView.as_view()),
    path("defaults", defaults.DefaultsView.as_view()),
    path("usage", UsageView.as_view()),
    path("requests", RequestsView.as_view()),
    path("requests/<uuid:request_id>", RequestView.as_view()),
    path("settings", LedgerSettingsView.as_view()),
    path("connections", connections.ConnectionsView.as_view()),
    path("connections/<uuid:connection_id>", connections.ConnectionView.as_view()),
    path("connections/<uuid:connection_id>/check", connections.ConnectionCheckView.as_view()),
    path("routes", routes.RoutesView.as_view()),
    path("routes/<uuid:route_id>", routes.RouteView.as_view()),
    path("tokens", tokens.TokensView.as_view()),
    path("tokens/<uuid:token_id>", tokens.TokenView.as_view()),
    path("alerts", alerts.AlertsView.as_view()),
    path("alerts/secret", alerts.AlertSecretView.as_view()),
    path("limits", limits.LimitsView.as_view()),
    path("limits/<uuid:limit_id>", limits.LimitView.as_view()),
    path("budgets", budgets.BudgetsView.as_view()),
    path("budgets/<uuid:budget_id>", budgets.BudgetView.as_view()),
]
