"""The description of the gateway's API: a file of docs/, served beside the management API's."""

from typing import Any

import orjson
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from llmhub.config import ROOT

FILE = ROOT / "docs" / "openapi-v1.yaml"


class _AsItIs(BaseRenderer):
    media_type = "application/yaml"
    format = "yaml"
    charset = "utf-8"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """An error is JSON, which is YAML too."""
        return data if isinstance(data, str) else orjson.dumps(data)


class GatewaySchemaView(APIView):
    """Public, as the other one: it holds nothing of any tenant."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (_AsItIs,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(FILE.read_text(encoding="utf-8"))
