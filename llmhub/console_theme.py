"""How the console looks: its title, its colours, its sidebar by subject."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy


def _item(title: str, icon: str, view: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{view}")}


_BLUE = {
    "50": "oklch(97% .014 262)",
    "100": "oklch(93.5% .032 262)",
    "200": "oklch(88% .06 262)",
    "300": "oklch(80.5% .1 262)",
    "400": "oklch(71% .15 262)",
    "500": "oklch(62% .19 262)",
    "600": "oklch(52% .2 263)",
    "700": "oklch(46% .18 263)",
    "800": "oklch(39% .15 263)",
    "900": "oklch(34% .12 263)",
    "950": "oklch(25% .08 264)",
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "LLM Hub",
    "SITE_HEADER": "LLM Hub",
    "SITE_SUBHEADER": "Operator console",
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("pages/mark.svg"),
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("pages/mark.svg"),
        }
    ],
    # Who changed what is in the audit, written with the change itself.
    "SHOW_HISTORY": False,
    "COLORS": {"primary": _BLUE},
    "DASHBOARD_CALLBACK": "llmhub.admin.home.home_context",
    "ACCOUNT": {
        "navigation": [{"title": "Change password", "link": reverse_lazy("pages:own_password")}]
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {"items": [_item("Overview", "dashboard", "index")]},
            {
                "title": "Tenants and people",
                "separator": True,
                "items": [
                    _item("Tenants", "apartment", "tenants_tenant_changelist"),
                    _item("Plans", "speed", "tenants_plan_changelist"),
                    _item("Users", "group", "tenants_user_changelist"),
                    _item("Access tokens", "key", "tenants_accesstoken_changelist"),
                ],
            },
            {
                "title": "Models",
                "separator": True,
                "items": [
                    _item("Shared connections", "hub", "tenants_sharedconnection_changelist"),
                    _item("Factories", "factory", "providers_llmfactory_changelist"),
                    _item("Catalog models", "neurology", "providers_llm_changelist"),
                    _item("Prices", "sell", "providers_price_changelist"),
                ],
            },
            {
                "title": "Records",
                "separator": True,
                "items": [_item("Audit", "history", "tenants_operatorauditentry_changelist")],
            },
        ],
    },
}
