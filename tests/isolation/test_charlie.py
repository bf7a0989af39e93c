"""Promise 19, the Charlie matrix: every route, verb, id and name of Alice's, as Charlie.

The routes come from the URL configuration; a new one without an entry here fails the tests.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.ids import uuid7
from tenants.llms.models import Route as ModelRoute
from tenants.llms.models import RouteTarget, TenantLLM
from tenants.models import Role
from tenants.tenancy import in_schema
from tenants.usage.events import UsageFacts, event_id
from tenants.usage.services import usage_record
from tests.api import Api
from tests.isolation.routes import Route, tenant_routes
from tests.isolation.state import state_of
from tests.management import COMPATIBLE, connections, model_add
from tests.people import token_issue

NAME = "alices-own-model"
CONNECTION = "alices-connection"
NAMED = {"llm_factory": COMPATIBLE, "llm_name": NAME}


@dataclass(frozen=True)
class Entry:
    """What Charlie sends, and the status that he must get: 404, or 200 where the request means
    what is Charlie's own and nothing of Alice's."""

    status: int
    body: Any = None
    query: dict[str, str] | None = None


# Lists of one's own, and forms that make or set something of one's own: 200 for everybody, and
# nothing of Alice's in the answer.
OWN_LIST = Entry(200)
NOBODY_ANSWERS = {
    "llm_factory": COMPATIBLE,
    "api_key": "sk-0123456789",
    "api_base": "http://127.0.0.1:1/v1",
}

MATRIX: dict[str, Entry] = {
    "GET factories": OWN_LIST,
    "GET list": OWN_LIST,
    "GET my_llms": Entry(200, query={"include_details": "true"}),
    "GET defaults": OWN_LIST,
    "PUT defaults": Entry(404, {"chat": NAME}),
    "POST set_api_key": Entry(422, NOBODY_ANSWERS),
    "POST add_llm": Entry(400, NAMED | {"model_type": "chat", "connection": CONNECTION}),
    "POST delete_llm": Entry(404, NAMED | {"connection": CONNECTION, "force": True}),
    "POST enable_llm": Entry(404, NAMED | {"status": "0"}),
    "POST delete_factory": Entry(404, {"llm_factory": COMPATIBLE, "force": True}),
    "GET usage": OWN_LIST,
    "GET requests": OWN_LIST,
    "GET requests/<request_id>": Entry(404),
    "GET settings": OWN_LIST,
    "PATCH settings": Entry(200, {"event_retention_days": 90}),
    "POST set_price": Entry(404, NAMED | {"price": {"input_usd_per_mtok": "1"}}),
    "GET connections": OWN_LIST,
    "POST connections": Entry(422, NOBODY_ANSWERS),
    "GET connections/<connection_id>": Entry(404),
    "PATCH connections/<connection_id>": Entry(404, {"name": "charlies", "is_enabled": False}),
    "DELETE connections/<connection_id>": Entry(404, query={"force": "true"}),
    "POST connections/<connection_id>/check": Entry(404),
    "GET routes": OWN_LIST,
    "POST routes": Entry(
        404, {"name": "charlies", "model_type": "chat", "targets": [{"model": NAME}]}
    ),
    "GET routes/<route_id>": Entry(404),
    "PATCH routes/<route_id>": Entry(404, {"name": "charlies", "is_enabled": False}),
    "DELETE routes/<route_id>": Entry(404),
    "GET tokens": OWN_LIST,
    "POST tokens": Entry(200, {"name": "charlies"}),
    "GET tokens/<token_id>": Entry(404),
    "PATCH tokens/<token_id>": Entry(404, {"name": "charlies", "scopes": ["read"]}),
    "DELETE tokens/<token_id>": Entry(404),
    "GET limits": OWN_LIST,
    "POST limits": Entry(404, {"model": NAME, "requests_per_minute": 1}),
    "GET limits/<limit_id>": Entry(404),
    "PATCH limits/<limit_id>": Entry(404, {"requests_per_minute": 1}),
    "DELETE limits/<limit_id>": Entry(404),
    "GET budgets": OWN_LIST,
    "POST budgets": Entry(
        404, {"name": "b", "amount": "1", "unit": "usd", "period": "day", "model": NAME}
    ),
    "GET budgets/<budget_id>": Entry(404),
    "PATCH budgets/<budget_id>": Entry(404, {"amount": "1"}),
    "DELETE budgets/<budget_id>": Entry(404),
    "GET alerts": OWN_LIST,
    "PUT alerts": Entry(200, {"emails": ["charlie@example.com"]}),
    "POST alerts/secret": Entry(200),
}

ROUTES = tenant_routes()


@pytest.fixture
def ids(alice, provider) -> dict[str, str]:
    """Alice with everything that a tenant can have; gives the ids that stand in addresses."""
    model_add(alice.api, provider, llm_name=NAME, connection=CONNECTION)
    alice.api.put("defaults", {"chat": NAME}).require_success()
    limit = alice.api.post("limits", {"model": NAME, "concurrency": 5}).require_success()
    budget = {"name": "alices-budget", "amount": "5", "unit": "usd", "period": "day"}
    made = alice.api.post("budgets", budget | {"model": NAME}).require_success()
    with in_schema(alice.tenant):
        model = TenantLLM.objects.get()
        route = ModelRoute.objects.create(name="alices-route", model_type="chat")
        RouteTarget.objects.create(route=route, tenant_llm=model)
    event = usage_of_model(alice.tenant, model)
    usage_record([event])
    return {
        "request_id": str(event.request_id),
        "connection_id": connections(alice.api)[0]["id"],
        "route_id": str(route.pk),
        "token_id": alice.api.get("tokens").data["items"][0]["id"],
        "limit_id": limit.details["limit"]["id"],
        "budget_id": made.details["budget"]["id"],
    }


def usage_of_model(tenant, model) -> UsageFacts:
    request_id = uuid7()
    return UsageFacts(
        id=event_id(request_id, 1),
        request_id=request_id,
        tenant_id=tenant.pk,
        at=datetime.now(UTC),
        access_token_id=uuid.uuid4(),
        connection_id=model.connection_id,
        connection_name=CONNECTION,
        llm_factory=COMPATIBLE,
        llm_name=NAME,
        model_asked=NAME,
        model_type="chat",
        http_status=200,
        latency_ms=1,
    )


@pytest.fixture
def call(ids) -> Callable[[Api, Route], Any]:
    def send(api: Api, route: Route) -> Any:
        entry = MATRIX[str(route)]
        path = route.path
        for name, value in ids.items():
            path = path.replace(f"<{name}>", value)
        assert "<" not in path, f"no id of Alice's for {path}"
        return api.send(route.verb, path, entry.body, query=entry.query)

    return send


def test_every_route_has_its_entry():
    assert sorted(MATRIX) == sorted(map(str, ROUTES))


def test_charlie_sees_nothing_and_changes_nothing(alice, charlie, call):
    before = state_of(alice.tenant)
    for route in ROUTES:
        answer = call(charlie.api, route)
        assert answer.status == MATRIX[str(route)].status, (str(route), answer.raw)
        assert not _mentions(answer.raw, alice), str(route)
        assert state_of(alice.tenant) == before, str(route)


def _mentions(raw: bytes, alice) -> bool:
    words = (
        NAME,
        CONNECTION,
        "alices-route",
        "alices-budget",
        str(alice.tenant.pk),
        "alice@example.com",
    )
    quoted = raw.replace(f"'{NAME}'".encode(), b"")  # what Charlie himself asked for
    return any(word.encode() in quoted for word in words)


def test_the_comparison_sees_a_change(alice, ids):
    before = state_of(alice.tenant)
    assert {"public.tenants_accesstoken", "t_alice.llms_connection", "t_alice.llms_route"} <= set(
        before
    )
    alice.api.delete(f"tokens/{ids['token_id']}")
    after = state_of(alice.tenant)
    assert {table for table in after if after[table] != before.get(table)} == {
        "public.tenants_accesstoken",
        "public.tenants_tenant",
        "t_alice.audit_entry",
    }


def test_without_a_credential_nothing_is_answered(alice, call):
    before = state_of(alice.tenant)
    for route in ROUTES:
        answer = call(Api(), route).require_failure(401)
        assert answer.headers["WWW-Authenticate"] == "Bearer", str(route)
    assert state_of(alice.tenant) == before


def test_a_token_that_may_only_read_changes_nothing(alice, call):
    reader = Api(token_issue(alice.tenant, ("read",)))
    before = state_of(alice.tenant)
    for route in ROUTES:
        answer = call(reader, route)
        if route.is_write:
            assert answer.require_failure(403).error["details"] == {"scope": "manage"}
        else:
            answer.require_success()
    assert state_of(alice.tenant) == before


def test_a_token_that_may_only_call_models_reads_and_changes_nothing(alice, call):
    caller = Api(token_issue(alice.tenant, ("inference",)))
    before = state_of(alice.tenant)
    for route in ROUTES:
        call(caller, route).require_failure(403)
    assert state_of(alice.tenant) == before


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_who_only_looks_on_changes_nothing(alice, bob, call, role):
    browser = bob(role)
    before = state_of(alice.tenant)
    for route in ROUTES:
        answer = call(browser, route)
        if route.is_write:
            answer.require_failure(403)
        else:
            answer.require_success()
    assert state_of(alice.tenant) == before


def test_an_admin_may_do_what_the_owner_may(alice, bob, call):
    browser = bob(Role.ADMIN)
    for route in ROUTES:
        assert call(browser, route).status not in (401, 403), str(route)


def test_verbs_that_a_route_does_not_have_are_refused(alice, ids):
    for path in {route.path for route in ROUTES if "<" not in route.path}:
        for verb in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {
            route.verb for route in ROUTES if route.path == path
        }:
            answer = alice.api.send(verb, path).require_failure(405)
            assert answer.code == "method_not_allowed"


def test_the_same_names_mean_charlies_own(alice, charlie, ids, provider):
    before = state_of(alice.tenant)
    model_add(charlie.api, provider, llm_name=NAME, connection=CONNECTION, max_tokens=1)
    charlie.api.put("defaults", {"chat": NAME}).require_success()
    charlie.api.post("enable_llm", NAMED | {"status": "0"}).require_success()
    charlie.api.post("delete_factory", {"llm_factory": COMPATIBLE, "force": True}).require_success()
    assert state_of(alice.tenant) == before
