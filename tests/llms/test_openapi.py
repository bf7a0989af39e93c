"""The OpenAPI schema is complete, and its reference is served by the hub alone."""

import re
from io import StringIO

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client

from tests.isolation.routes import tenant_routes


@pytest.fixture(scope="module")
def schema() -> dict:
    out = StringIO()
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=out)
    return yaml.safe_load(out.getvalue())


def test_every_route_is_described(schema):
    described = {
        f"{verb.upper()} {path.removeprefix('/llm/')}"
        for path, verbs in schema["paths"].items()
        for verb in verbs
        if path.startswith("/llm/")
    }
    mine = {str(route).replace("<", "{").replace(">", "}") for route in tenant_routes()}
    assert described == mine


def test_every_operation_says_what_it_does_and_how_it_fails(schema):
    seen = set()
    for path, verbs in schema["paths"].items():
        for verb, operation in verbs.items():
            name = f"{verb} {path}"
            assert operation["operationId"] not in seen, name
            seen.add(operation["operationId"])
            assert operation["summary"], name
            assert {"200", "401", "403", "503"} <= set(operation["responses"]), name
            assert ("404" in operation["responses"]) or "{" not in path, name
            if operation.get("requestBody") and "defaults" not in path:
                assert {"400", "404", "409", "422"} & set(operation["responses"]), name


def test_both_credentials_are_described(schema):
    assert set(schema["components"]["securitySchemes"]) == {"HubToken", "Session"}


def test_every_failure_has_the_envelope(schema):
    for verbs in schema["paths"].values():
        for operation in verbs.values():
            for status, response in operation["responses"].items():
                if status != "200":
                    content = response["content"]["application/json"]["schema"]
                    assert content == {"$ref": "#/components/schemas/Error"}


def test_the_reference_loads_nothing_from_elsewhere(db):
    response = Client().get("/llm/docs")
    assert response.status_code == 200
    page = response.content.decode()
    loaded = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)|url\(([^)]+)\)""", page)
    addresses = [first or second for first, second in loaded]
    assert addresses
    for address in addresses:
        assert address.startswith(("/static/", "data:")), address
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/")), address
    assert not re.search(r"https?://(?!testserver)[^\s\"'<]*\.(?:js|css|woff2?)", page)


def test_the_schema_is_served_without_a_credential(db):
    response = Client().get("/llm/schema")
    assert response.status_code == 200
    assert b"/llm/set_api_key" in response.content
