"""The description of /v1 is valid, complete and served."""

import yaml
from django.test import Client
from drf_spectacular.validation import validate_schema

from gateway.endpoints import ENDPOINTS
from llmhub.gateway_schema import FILE

DESCRIBED = yaml.safe_load(FILE.read_text(encoding="utf-8"))


def test_it_is_openapi() -> None:
    validate_schema(DESCRIBED)


def test_every_call_is_described() -> None:
    paths = {path for path, operations in DESCRIBED["paths"].items() if "post" in operations}
    assert set(ENDPOINTS) <= paths
    assert {"/v1/models", "/v1/models/{model}"} <= set(DESCRIBED["paths"])


def test_what_a_call_needs_is_required() -> None:
    for path, endpoint in ENDPOINTS.items():
        [content] = DESCRIBED["paths"][path]["post"]["requestBody"]["content"].values()
        needed = {endpoint.required, *endpoint.also_required}
        assert needed <= set(content["schema"]["required"]), path


def test_it_is_served_without_a_token() -> None:
    answer = Client().get("/llm/schema/v1")
    assert answer.status_code == 200
    assert yaml.safe_load(answer.content) == DESCRIBED
    assert Client().get("/llm/docs/v1").status_code == 200
