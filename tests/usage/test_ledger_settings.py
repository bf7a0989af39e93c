"""GET and PATCH /llm/settings, and what they do to sums."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tenants.audit.models import AuditEntry
from tenants.models import Tenant
from tenants.tenancy import in_schema
from tenants.usage.rollups import usage_days, usage_rollup_rebuild
from tenants.usage.services import usage_record
from tests.api import Api
from tests.committed_people import Person
from tests.usage.examples import NOON, every_sum, usage


@pytest.fixture
def api(alice: Person) -> Iterator[Api]:
    before = Tenant.objects.filter(pk=alice.tenant.pk).values().get()
    yield Api(alice.token)
    kept = ("time_zone", "event_retention_days", "is_prompt_logging", "prompt_retention_days")
    Tenant.objects.filter(pk=alice.tenant.pk).update(**{name: before[name] for name in kept})


def test_they_are_the_platforms_until_they_are_set(api: Api) -> None:
    assert api.get("settings").require_success().data == {
        "time_zone": "UTC",
        "event_retention_days": 180,
        "default_event_retention_days": 180,
        "is_prompt_logging": False,
        "prompt_retention_days": 30,
        "events_kept_since": None,
    }


def test_what_is_left_out_stays_and_a_change_is_audited(alice: Person, api: Api) -> None:
    api.patch("settings", {"event_retention_days": 7}).require_success()
    details = api.patch("settings", {"is_prompt_logging": True}).require_success().details
    assert details["settings"]["event_retention_days"] == 7
    assert details["settings"]["is_prompt_logging"] is True
    api.patch("settings", {"event_retention_days": None}).require_success()
    assert api.get("settings").data["event_retention_days"] == 180
    with in_schema(alice.tenant):
        rows = AuditEntry.objects.filter(action="ledger_settings.change")
        changes = list(rows.order_by("pk").values_list("before", "after"))
    assert changes[-1][0]["event_retention_days"] == 7
    assert changes[-1][1]["event_retention_days"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"event_retention_days": 0}, "event_retention_days"),
        ({"prompt_retention_days": None}, "prompt_retention_days"),
        ({"is_prompt_logging": "perhaps"}, "is_prompt_logging"),
        ({"events_kept_since": "2026-01-01"}, "events_kept_since"),
    ],
    ids=str,
)
def test_what_is_no_setting_is_refused(api: Api, body: dict[str, Any], field: str) -> None:
    assert api.patch("settings", body).require_failure(400).error["details"] == {"field": field}


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Asia/Kathmandu"])
def test_another_time_zone_counts_every_day_anew(alice: Person, api: Api, zone: str) -> None:
    events = [usage(alice, at=NOON + timedelta(minutes=15 * n)) for n in range(200)]
    usage_record(events[:150])
    api.patch("settings", {"time_zone": zone}).require_success()
    usage_record(events[150:])
    kept = every_sum(alice)
    assert sum(row["requests"] for row in kept["UsageDaily"]) == 200
    for day in usage_days(alice.tenant):
        usage_rollup_rebuild(tenant=alice.tenant, day=day)
    assert every_sum(alice) == kept
    api.patch("settings", {"time_zone": "UTC"}).require_success()
    days = every_sum(alice)["UsageDaily"]
    assert [row["requests"] for row in days] == [48, 96, 56]
