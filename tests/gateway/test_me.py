"""GET /v1/me: a token sees itself, and nobody else."""

import json

from llmhub.base.valkey import valkey
from tests.committed_people import Person
from tests.gateway.limits import USED, small
from tests.gateway.raw_http import request
from tests.gateway.server import RunningGateway


def test_a_token_sees_its_limits_budgets_and_usage(gateway: RunningGateway, alice: Person) -> None:
    other_id, other = alice.issue(scopes=("read",))
    alice.limit(requests_per_minute=60)
    alice.budget(100_000)
    alice.budget(5, token_id=other_id)
    small(gateway, alice.token)
    alice.ledger()
    me = request(gateway, "GET", "/v1/me", token=alice.token).json
    assert me["tenant"]["slug"] == alice.tenant.slug
    assert me["token"]["name"] == "first"
    assert me["token"]["scopes"] == ["inference", "manage", "read"]
    assert [limit["used"]["requests"] for limit in me["limits"]] == [1]
    [budget] = me["budgets"]
    assert (budget["spent"], budget["left"]) == (str(USED), str(100_000 - USED))
    assert me["usage"]["requests"] == 1
    assert me["usage"]["input_tokens"] + me["usage"]["output_tokens"] == USED
    others = request(gateway, "GET", "/v1/me", token=other).json
    assert [budget["amount"] for budget in others["budgets"]] == ["100000", "5"]
    assert others["usage"]["requests"] == 0


def test_a_stranger_sees_nothing(gateway: RunningGateway, alice: Person) -> None:
    assert request(gateway, "GET", "/v1/me").status == 401
    assert request(gateway, "POST", "/v1/me", token=alice.token).status == 405


def test_charlie_sees_nothing_of_alices(
    gateway: RunningGateway, alice: Person, charlie: Person
) -> None:
    alice.limit(requests_per_minute=60)
    alice.budget(100_000)
    small(gateway, alice.token)
    me = request(gateway, "GET", "/v1/me", token=charlie.token).json
    assert (me["limits"], me["budgets"], me["usage"]["requests"]) == ([], [], 0)
    assert str(alice.tenant.pk) not in json.dumps(me)


def test_a_deleted_tenant_leaves_no_counter(gateway: RunningGateway) -> None:
    from tests.committed_people import committed_tenant, person_of

    with committed_tenant("passing") as tenant:
        with person_of(tenant) as person:
            person.limit(requests_per_minute=60, concurrency=3)
            person.budget(100_000)
            assert small(gateway, person.token).status == 404  # it has no model
            valkey().set(f"hub:budget:{tenant.pk}:left", "behind")
        tenant_id = tenant.pk
    assert list(valkey().scan_iter(match=f"*{tenant_id}*")) == []
