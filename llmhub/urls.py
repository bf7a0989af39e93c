"""Where every address leads. The gateway's /v1 does not pass here: see llmhub/asgi.py."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
