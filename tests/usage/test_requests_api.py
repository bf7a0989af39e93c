"""GET /llm/requests: the last requests, and one of them explained."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tenants.usage.models import NO_ID
from tenants.usage.services import usage_record
from tests.api import Api
from tests.committed_people import Person
from tests.usage.examples import COST, NOON, request_id_at, usage


@pytest.fixture
def api(alice: Person) -> Api:
    return Api(alice.token)


def listed(api: Api, **query: Any) -> list[dict[str, Any]]:
    return api.get("requests", **query).require_success().data["items"]


def fallback(alice: Person, **changes: Any) -> uuid.UUID:
    """A request whose first attempt failed."""
    request_id = request_id_at(NOON)
    failed = usage(
        alice,
        request_id=request_id,
        is_result=False,
        result_status=None,
        http_status=503,
        error_kind="overloaded",
        connection_name="first",
        cost_usd=Decimal(0),
        input_tokens=0,
        output_tokens=0,
        cached_tokens=0,
        reasoning_tokens=0,
    )
    usage_record([usage(alice, request_id=request_id, attempt=2, **changes), failed])
    return request_id


def test_a_request_is_one_row_with_its_attempts(alice: Person, api: Api) -> None:
    request_id = fallback(alice, model_asked="fast", route="fast", endpoint="/v1/chat/completions")
    [row] = listed(api)
    assert (row["request_id"], row["route"], row["status"]) == (str(request_id), "fast", 200)
    assert [(a["attempt"], a["connection"], a["error_kind"]) for a in row["attempts"]] == [
        (1, "first", "overloaded"),
        (2, "default", ""),
    ]
    assert row["attempts"][1]["usage"]["input_tokens"] == 10
    assert (row["cost_usd"], row["token_name"]) == (str(COST), "first")


def test_the_latest_come_first_and_pages_have_each_once(alice: Person, api: Api) -> None:
    usage_record([usage(alice, at=NOON + timedelta(minutes=n)) for n in range(7)])
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    for _ in range(4):
        data = api.get("requests", limit=2, **cursor).require_success().data
        seen += [row["at"] for row in data["items"]]
        cursor = {"cursor": data["next"]}
    assert data["next"] is None
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 7


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"llm_name": "b"}, 1),
        ({"token": str(uuid.UUID(int=5))}, 1),
        ({"status": "502"}, 1),
        ({"error": "timeout"}, 1),
        ({"error": "provider_timeout"}, 1),
        ({"is_failed": "true"}, 1),
        ({"is_failed": "false"}, 3),
        ({"since": "2026-05-04T13:00:00Z"}, 1),
        ({"until": "2026-05-04T13:00:00Z"}, 3),
        ({"since": "2026-05-04T14:00:00+02:00", "until": "2026-05-04T14:00:01+02:00"}, 3),
        ({"request_id": str(uuid.UUID(int=1))}, 0),
    ],
    ids=str,
)
def test_it_filters_by_each(alice: Person, api: Api, query: dict[str, str], found: int) -> None:
    late = NOON + timedelta(hours=1)
    usage_record(
        [
            usage(alice),
            usage(alice, llm_name="b"),
            usage(alice, access_token_id=uuid.UUID(int=5), at=late),
            usage(alice, error_kind="timeout", result_status=502, result_code="provider_timeout"),
        ]
    )
    assert len(listed(api, **query)) == found


def test_a_request_is_found_by_its_id(alice: Person, api: Api) -> None:
    event = usage(alice)
    usage_record([event, usage(alice)])
    [row] = listed(api, request_id=str(event.request_id))
    assert row["request_id"] == str(event.request_id)


def test_one_request_is_explained(alice: Person, api: Api) -> None:
    request_id = fallback(alice, model_asked="fast", route="fast", endpoint="/v1/chat/completions")
    data = api.get(f"requests/{request_id}").require_success().data
    assert data["explanation"] == [
        "The caller asked /v1/chat/completions for 'fast', a route of yours (fast).",
        "1. test-chat@first@Scripted failed after 12 ms: overloaded, HTTP 503.",
        "2. test-chat@default@Scripted answered after 12 ms.",
        "The caller was answered 200.",
    ]
    assert data["texts"] is None


def test_a_request_that_reached_nobody_is_explained_too(alice: Person, api: Api) -> None:
    request_id = request_id_at(NOON)
    refused = usage(
        alice,
        request_id=request_id,
        attempt=0,
        connection_id=NO_ID,
        llm_name="",
        model_asked="gpt-9",
        endpoint="/v1/chat/completions",
        error_kind="refused",
        result_status=404,
        result_code="model_not_found",
        cost_usd=Decimal(0),
    )
    usage_record([refused])
    data = api.get(f"requests/{request_id}").require_success().data
    assert data["attempts"] == []
    assert data["explanation"][1:] == [
        "No provider was asked.",
        "The caller was answered 404 model_not_found.",
    ]
    assert data["cost_usd"] == "0.000000000"


def test_a_cost_that_is_not_known_is_null(alice: Person, api: Api) -> None:
    usage_record([usage(alice, cost_usd=None, price_source="")])
    [row] = listed(api)
    assert row["cost_usd"] is None
    assert row["attempts"][0]["cost_usd"] is None


def test_a_foreign_request_and_none_at_all_are_the_same(api: Api) -> None:
    error = api.get(f"requests/{uuid.uuid4()}").require_failure(404).error
    assert error["code"] == "request_not_found"


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "999"}, {"cursor": "x"}, {"since": "x"}, {"status": "x"}]
)
def test_what_it_does_not_understand_is_refused(api: Api, query: dict[str, str]) -> None:
    api.get("requests", **query).require_failure(400)
