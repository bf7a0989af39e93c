"""DESIGN.md's rules hold in our code, and each can fail."""

import pytest

from tests.architecture import rules
from tests.architecture.sources import Source, our_sources

SOURCES = our_sources()

BROKEN = [
    (rules.imports_point_one_way, "llmhub.base.money", "from tenants.models import Tenant"),
    (rules.imports_point_one_way, "providers.probes", "import tenants.services"),
    (rules.imports_point_one_way, "providers.probes", "def f():\n    from gateway import app"),
    (rules.imports_point_one_way, "tenants.llms.tasks", "from llmhub.config import ROOT"),
    (rules.imports_point_one_way, "tenants.llms.tasks", "from gateway.app import application"),
    (rules.the_leaf_imports_no_app, "llmhub.envelope", "from llmhub import settings"),
    (rules.protocols_do_no_io, "providers.protocols.x", "import aiohttp"),
    (rules.protocols_do_no_io, "providers.protocols.x", "import socket"),
    (rules.protocols_do_no_io, "providers.protocols.x", "from providers.models import LLM"),
    (rules.protocols_do_no_io, "providers.protocols.x", "from ..transport import Transport"),
    (
        rules.only_the_transport_imports_an_http_client,
        "tenants.llms.services.x",
        "from urllib.request import urlopen",
    ),
    (rules.only_the_transport_imports_an_http_client, "providers.probes", "import httpx"),
    (rules.one_module_switches_schemas, "tenants.keyring", "connection.set_schema('t_alice')"),
    (
        rules.one_module_switches_schemas,
        "gateway.app",
        "from django_tenants.utils import schema_context",
    ),
    (rules.the_gateway_has_no_orm, "gateway.app", "from tenants.models import Tenant"),
    (rules.the_gateway_has_no_orm, "gateway.app", "from tenants.llms.models import Connection"),
    (rules.the_gateway_has_no_orm, "gateway.app", "from django.db import transaction"),
    (rules.the_gateway_has_no_orm, "gateway.app", "rows = Thing.objects.all()"),
    (rules.what_faces_a_caller_is_thin, "tenants.llms.api.x", "row = Thing.objects.get()"),
    (rules.what_faces_a_caller_is_thin, "tenants.pages.x", "from django.db import transaction"),
    (rules.what_faces_a_caller_is_thin, "tenants.llms.tasks", "Tenant.objects.all()"),
    (rules.what_faces_a_caller_is_thin, "llmhub.management.commands.x", "import requests"),
    (rules.nothing_is_made_by_name, "tenants.x", "eval(request.GET['code'])"),
    (rules.nothing_is_made_by_name, "tenants.x", "import_module(request.GET['name'])"),
    (rules.nothing_is_made_by_name, "tenants.x", "importlib.import_module(name)"),
    (rules.nothing_is_made_by_name, "tenants.x", "import pickle"),
]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_it_holds_everywhere(rule):
    complaints = {source.module: rule(source) for source in SOURCES}
    assert {module: found for module, found in complaints.items() if found} == {}


@pytest.mark.parametrize(("rule", "module", "text"), BROKEN)
def test_it_can_fail(rule, module, text):
    assert rule(Source.parse(module, text))


def test_every_rule_was_shown_to_fail():
    assert {rule for rule, _, _ in BROKEN} == set(rules.RULES)


def test_it_reads_the_whole_of_our_code():
    modules = {source.module for source in SOURCES}
    assert {"llmhub.urls", "providers.transport", "tenants.llms.api.models", "gateway"} <= modules
    assert len(modules) > 100
