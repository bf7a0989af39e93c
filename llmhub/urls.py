"""Where every address leads. The gateway's /v1 does not pass here: see llmhub/asgi.py."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from llmhub import health
from llmhub.gateway_schema import GatewaySchemaView
from llmhub.schema_views import PublicSchema

urlpatterns = [
    path("", include("tenants.pages.urls")),
    path("admin/", admin.site.urls),
    path("healthz/live", health.live),
    path("healthz/ready", health.ready),
    path("llm/", include("tenants.llms.api.urls")),
    path("llm/schema", SpectacularAPIView.as_view(**PublicSchema), name="schema"),
    path("llm/schema/v1", GatewaySchemaView.as_view(), name="schema-v1"),
    path(
        "llm/docs/v1",
        SpectacularSwaggerView.as_view(url_name="schema-v1", **PublicSchema),
        name="docs-v1",
    ),
    path(
        "llm/docs", SpectacularSwaggerView.as_view(url_name="schema", **PublicSchema), name="docs"
    ),
]

handler404 = "llmhub.error_views.not_found"
handler500 = "llmhub.error_views.server_error"
handler400 = "llmhub.error_views.bad_request"
