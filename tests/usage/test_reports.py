"""GET /llm/usage: any grouping, any filter, exact days, and nothing of anybody else's."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.test import AsyncClient

from tenants.models import Tenant
from tenants.usage.models import NO_ID
from tenants.usage.selectors import usage_spent
from tenants.usage.services import usage_record
from tests.api import Answer, Api
from tests.committed_people import Person
from tests.usage.examples import COST, NOON, usage

PERIOD = {"since": "2026-05-01", "until": "2026-05-31"}


@pytest.fixture
def api(alice: Person) -> Api:
    return Api(alice.token)


@pytest.fixture
def in_zone(alice: Person) -> Iterator[Any]:
    """Puts Alice's tenant into a time zone, from its first event on."""

    def put(zone: str) -> None:
        Tenant.objects.filter(pk=alice.tenant.pk).update(time_zone=zone)
        alice.tenant.time_zone = zone

    yield put
    put("UTC")


def items(api: Api, **query: Any) -> list[dict[str, Any]]:
    return api.get("usage", **PERIOD, **query).require_success().data["items"]


def columns(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def test_by_itself_it_is_by_model_and_day_the_latest_first(alice: Person, api: Api) -> None:
    tomorrow = NOON + timedelta(days=1)
    usage_record(
        [usage(alice), usage(alice), usage(alice, llm_name="b"), usage(alice, at=tomorrow)]
    )
    data = api.get("usage", **PERIOD).require_success().data
    assert columns(data["items"], "day", "llm_name", "requests", "input_tokens") == [
        ("2026-05-05", "test-chat", 1, 10),
        ("2026-05-04", "b", 1, 10),
        ("2026-05-04", "test-chat", 2, 20),
    ]
    known = {"day", "llm_factory", "connection", "llm_name", "model_type", "requests"}
    known |= {"failed_requests", "input_tokens", "output_tokens", "total_tokens"}
    assert known <= set(data["items"][0])
    assert (data["since"], data["until"]) == ("2026-05-01", "2026-05-31")
    totals = data["totals"]
    assert (totals["requests"], totals["input_tokens"], totals["total_tokens"]) == (4, 40, 60)
    assert totals["cost_usd"] == str(4 * COST)


def test_it_groups_by_every_dimension_at_once(alice: Person, api: Api) -> None:
    at = NOON + timedelta(minutes=59)
    usage_record([usage(alice), usage(alice, at=at), usage(alice, at=at, result_status=502)])
    rows = items(api, group_by="hour,day,factory,connection,model,type,token,status")
    assert columns(rows, "hour", "day", "status", "requests", "token_name") == [
        ("2026-05-04T12:00:00+00:00", "2026-05-04", 200, 2, "first"),
        ("2026-05-04T12:00:00+00:00", "2026-05-04", 502, 1, "first"),
    ]
    assert rows[0]["token"] == str(alice.token_id)


def test_without_a_group_there_is_one_row_of_all_that_was_asked(alice: Person, api: Api) -> None:
    usage_record([usage(alice, llm_name=name) for name in ("a", "b", "b")])
    assert columns(items(api, group_by="type"), "model_type", "requests") == [("chat", 3)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"llm_name": "b"}, 1),
        ({"llm_factory": "Other"}, 1),
        ({"model_type": "embedding"}, 1),
        ({"connection": "eu"}, 1),
        ({"token": str(uuid.UUID(int=5))}, 1),
        ({"status": "429"}, 1),
        ({"status": "200", "connection": "default"}, 5),
        ({"llm_name": "none"}, 0),
    ],
    ids=str,
)
@pytest.mark.parametrize("group_by", ["model", "hour"])
def test_it_filters_by_each(
    alice: Person, api: Api, query: dict[str, str], found: int, group_by: str
) -> None:
    usage_record(
        [
            usage(alice),
            usage(alice, llm_name="b"),
            usage(alice, llm_factory="Other", connection_id=uuid.UUID(int=8)),
            usage(alice, model_type="embedding"),
            usage(alice, connection_name="eu", connection_id=uuid.UUID(int=9)),
            usage(alice, access_token_id=uuid.UUID(int=5)),
            usage(alice, result_status=429, error_kind="rate_limited"),
        ]
    )
    rows = items(api, group_by=group_by, **query)
    assert sum(row["requests"] for row in rows) == found


def test_it_orders_and_pages(alice: Person, api: Api) -> None:
    for name, count in (("a", 2), ("b", 3), ("c", 1)):
        usage_record([usage(alice, llm_name=name) for _ in range(count)])
    rows = items(api, group_by="model", order_by="-requests")
    assert columns(rows, "llm_name") == [("b",), ("a",), ("c",)]
    assert columns(items(api, group_by="model", order_by="cost_usd"), "llm_name")[0] == ("c",)
    page = api.get("usage", **PERIOD, group_by="model", page=2, page_size=2).data
    assert (page["total"], page["page"], len(page["items"])) == (3, 2, 1)
    assert page["totals"]["requests"] == 6
    assert api.get("usage", **PERIOD, group_by="model", page=9, page_size=2).data["total"] == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"group_by": "magic"}, "group_by"),
        ({"group_by": "model", "order_by": "day"}, "order_by"),
        ({"order_by": "-cost_usd;drop"}, "order_by"),
        ({"since": "2026-05-02", "until": "2026-05-01"}, "since"),
        ({"since": "2024-05-02", "until": "2026-05-01"}, "since"),
        ({"since": "9999-12-31"}, "since"),
        ({"status": "ok"}, "status"),
        ({"token": "me"}, "token"),
        ({"format": "xml"}, "format"),
        ({"page_size": "100000"}, "page_size"),
    ],
    ids=str,
)
def test_what_it_does_not_know_is_named(api: Api, query: dict[str, str], field: str) -> None:
    error = api.get("usage", **query).require_failure(400).error
    assert error["details"] == {"field": field}


ZONES = [
    ("UTC", ["2026-03-28T23:59:59", "2026-03-29T00:00:00"]),
    ("Europe/Berlin", ["2026-03-28T22:59:59", "2026-03-28T23:00:00"]),
    ("Europe/Berlin", ["2026-03-29T21:59:59", "2026-03-29T22:00:00"]),
    ("Europe/Berlin", ["2026-10-25T22:59:59", "2026-10-25T23:00:00"]),
    ("America/New_York", ["2026-11-02T04:59:59", "2026-11-02T05:00:00"]),
    ("Asia/Kolkata", ["2026-05-04T18:29:59", "2026-05-04T18:30:00"]),
    ("Asia/Kathmandu", ["2026-05-04T18:14:59", "2026-05-04T18:15:00"]),
    ("Australia/Lord_Howe", ["2026-05-04T13:29:59", "2026-05-04T13:30:00"]),
    ("America/Sao_Paulo", ["2026-05-05T02:59:59", "2026-05-05T03:00:00"]),
]


@pytest.mark.parametrize(("zone", "moments"), ZONES, ids=str)
@pytest.mark.parametrize("group_by", ["day", "day,hour"])
def test_a_day_begins_at_the_tenants_midnight(
    alice: Person, api: Api, in_zone: Any, zone: str, moments: list[str], group_by: str
) -> None:
    """Also where the clocks change, and where midnight is no full hour of UTC."""
    in_zone(zone)
    before, after = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in moments)
    usage_record([usage(alice, at=before), usage(alice, at=after), usage(alice, at=after)])
    query = {"since": "2026-03-01", "until": "2026-12-31", "group_by": group_by}
    data = api.get("usage", **query).require_success().data
    days = {row["day"]: row["requests"] for row in data["items"]}
    assert sorted(days.values()) == [1, 2]
    last = max(days)
    assert days[last] == 2
    assert data["time_zone"] == zone
    only = api.get("usage", group_by=group_by, since=last, until=last).data["items"]
    assert sum(row["requests"] for row in only) == 2


def test_csv_has_every_row_and_no_formula(alice: Person, api: Api) -> None:
    names = ['=cmd|"/c calc"!A0', "+1", "-1", "@sum", "\tx", "plain, with a comma"]
    usage_record([usage(alice, llm_name=name) for name in names])
    answer = api.get("usage", **PERIOD, group_by="model", format="csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.raw.decode(), newline="")))
    found = {row["llm_name"] for row in rows}
    assert found == {f"'{name}" for name in names[:-1]} | {names[-1]}
    assert {row["cost_usd"] for row in rows} == {str(COST)}


def test_json_lines_by_accept_have_what_the_answer_has(alice: Person, api: Api) -> None:
    usage_record([usage(alice, llm_name=f"m{number}") for number in range(30)])
    headers = {"Accept": "application/x-ndjson"}
    answer = api.send("GET", "usage", query=PERIOD, headers=headers)
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in answer.raw.splitlines()] == items(api)


def test_an_export_is_not_cut_off_by_pages(alice: Person, api: Api) -> None:
    usage_record([usage(alice, llm_name=f"m{number}") for number in range(5000)])
    answer: Answer = api.get("usage", **PERIOD, group_by="model", format="jsonl", page_size=1)
    assert len(answer.raw.splitlines()) == 5000


def test_an_error_of_an_export_is_json(api: Api) -> None:
    api.get("usage", format="csv", since="yesterday").require_failure(400)


async def test_under_asgi_an_export_is_streamed_too(alice: Person) -> None:
    from asgiref.sync import sync_to_async

    await sync_to_async(usage_record)([usage(alice)])
    client = AsyncClient()
    answer = await client.get(
        "/llm/usage",
        {**PERIOD, "format": "jsonl"},
        headers={"authorization": f"Bearer {alice.token}"},
    )
    assert answer.is_async
    lines = b"".join([chunk async for chunk in answer]).splitlines()
    await sync_to_async(connections.close_all)()
    assert [json.loads(line)["llm_name"] for line in lines] == ["test-chat"]


def test_calls_that_reached_no_provider_are_requests_and_no_attempts(
    alice: Person, api: Api
) -> None:
    nowhere = {"attempt": 0, "connection_id": NO_ID, "llm_name": "", "llm_factory": ""}
    refused = usage(alice, **nowhere, error_kind="refused", result_status=404, cost_usd=Decimal(0))
    usage_record([usage(alice), refused])
    [totals] = items(api, group_by="type")
    assert (totals["requests"], totals["attempts"], totals["failed_requests"]) == (2, 1, 1)


def test_what_has_no_price_is_counted_beside_the_cost(alice: Person, api: Api) -> None:
    usage_record([usage(alice), usage(alice, cost_usd=None), usage(alice, cost_usd=None)])
    [totals] = items(api, group_by="type")
    assert (totals["unpriced_attempts"], totals["cost_usd"]) == (2, str(COST))


def test_what_was_spent_is_exact_to_the_hour(alice: Person) -> None:
    hour = timedelta(hours=1)
    usage_record(
        [
            usage(alice, at=NOON - timedelta(microseconds=1)),
            usage(alice, at=NOON, llm_name="b"),
            usage(alice, at=NOON + hour - timedelta(microseconds=1), cost_usd=None),
            usage(alice, at=NOON + hour, access_token_id=uuid.UUID(int=5)),
        ]
    )
    within = usage_spent(alice.tenant, since=NOON, until=NOON + hour)
    assert within == (30, COST)
    assert usage_spent(alice.tenant, since=None) == (60, 3 * COST)
    assert usage_spent(alice.tenant, since=None, model="b") == (15, COST)
    assert usage_spent(alice.tenant, since=None, token_id=uuid.UUID(int=5)) == (15, COST)
    assert usage_spent(alice.tenant, since=NOON + 2 * hour) == (0, 0)


def test_the_period_ends_today_in_the_tenants_zone(api: Api, in_zone: Any) -> None:
    in_zone("Pacific/Kiritimati")
    data = api.get("usage").data
    assert date.fromisoformat(data["until"]) >= datetime.now(UTC).date()
    assert (date.fromisoformat(data["until"]) - date.fromisoformat(data["since"])).days == 30
