"""People are told once for each share and period: by mail, and by a signed webhook."""

import base64
import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.core import mail
from django.db import connection

from llmhub.base.valkey import valkey
from tenants.limits.alert_marks import MARKS_KEY, mark
from tenants.limits.alerts import MAX_ATTEMPTS, budget_alerts_raise
from tenants.limits.counters import budget_key
from tenants.limits.models import Budget
from tenants.limits.periods import PeriodKind, period_at
from tenants.limits.tasks import alerts_run
from tenants.models import BudgetAlert, Role
from tenants.tenancy import in_schema
from tests.people import person_make
from tests.provider_server import Reply

BUDGET = {"name": "monthly", "amount": "10", "unit": "usd", "period": "month"}


@pytest.fixture(autouse=True)
def empty_valkey():
    valkey().flushdb()


@pytest.fixture
def budget(alice) -> str:
    return alice.api.post("budgets", BUDGET).require_success().details["budget"]["id"]


def spend(person, budget_id: str, usd: str) -> None:
    """As the gateway leaves it: the counter, and a mark."""
    with in_schema(person.tenant):
        row = Budget.objects.get(pk=budget_id)
    period = period_at(PeriodKind(row.period), person.tenant.time_zone, datetime.now(UTC))
    key = budget_key(person.tenant.pk, row.pk, period.key)
    valkey().hset(key, mapping={"s": int(Decimal(usd) * 10**9), "g": 10**6, "r": 0})
    valkey().sadd(MARKS_KEY, mark(person.tenant.pk, row.pk))


def hook_set(person, provider) -> str:
    body = {"webhook_url": f"{provider.url}/alerts"}
    return person.api.put("alerts", body).require_success().details["webhook_secret"]


def received(provider):
    return provider.requests_to("/v1/alerts")


def script(provider, *codes: int) -> None:
    provider.script("/v1/alerts", *[Reply(status=code, body={}) for code in codes])


def test_each_share_is_told_once(alice, budget):
    for usd, told in (("4.99", 0), ("5", 1), ("7.9", 1), ("9.99", 2), ("10", 3), ("11", 3)):
        spend(alice, budget, usd)
        alerts_run()
        alerts_run()
        assert len(mail.outbox) == told, usd
    assert [message.to for message in mail.outbox] == [["alice@example.com"]] * 3
    first = mail.outbox[0]
    assert first.subject == "LLM Hub: 50 % of the budget 'monthly' is spent"
    assert "5 of 10 USD" in first.body
    assert f"PATCH /llm/budgets/{budget}" in first.body


def test_owners_and_admins_are_told_or_who_was_named(alice, budget, bob):
    bob(Role.ADMIN)
    spend(alice, budget, "5")
    alerts_run()
    assert set(mail.outbox[0].recipients()) == {"alice@example.com", "bob@example.com"}
    alice.api.put("alerts", {"emails": ["finance@example.com"]}).require_success()
    spend(alice, budget, "8")
    alerts_run()
    assert mail.outbox[1].recipients() == ["finance@example.com"]


def test_a_webhook_is_signed_with_the_secret_that_was_shown(alice, budget, provider):
    secret = hook_set(alice, provider)
    script(provider, 204)
    spend(alice, budget, "5")
    alerts_run()
    [seen] = received(provider)
    signed = f"{seen.headers['webhook-id']}.{seen.headers['webhook-timestamp']}.".encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, signed + seen.body, hashlib.sha256).digest()
    assert seen.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert abs(int(seen.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    told = json.loads(seen.body)
    assert (told["type"], told["share"], told["tenant"]) == ("budget.share_reached", 50, "alice")
    assert told["budget"].items() >= {"id": budget, "amount": "10", "spent": "5"}.items()
    assert told["id"] == seen.headers["webhook-id"]


def test_a_webhook_that_fails_is_tried_again_later_with_the_same_id(alice, budget, provider):
    hook_set(alice, provider)
    script(provider, 500, 302, 200)
    spend(alice, budget, "5")
    waits = []
    for attempt in (1, 2, 3):
        alerts_run()
        alerts_run()
        assert len(received(provider)) == attempt
        row = BudgetAlert.objects.get()
        if row.hook_next_at is not None:
            waits.append(round((row.hook_next_at - datetime.now(UTC)).total_seconds(), -1))
            BudgetAlert.objects.update(hook_next_at=datetime.now(UTC))
    assert waits == [10, 20]
    assert row.hook_done_at is not None
    assert row.hook_error == "HTTP 302"
    assert len({seen.headers["webhook-id"] for seen in received(provider)}) == 1
    assert len(mail.outbox) == 1


def test_it_gives_up_in_the_end(alice, budget, provider):
    hook_set(alice, provider)
    script(provider, 500)
    spend(alice, budget, "5")
    budget_alerts_raise(alice.tenant.pk, UUID(budget))
    BudgetAlert.objects.update(hook_attempts=MAX_ATTEMPTS - 1)
    alerts_run()
    row = BudgetAlert.objects.get()
    assert (row.hook_next_at, row.hook_done_at) == (None, None)


def test_a_worker_that_died_leaves_it_to_the_next_attempt(alice, budget, provider):
    from tenants.limits.alerts import alerts_due

    spend(alice, budget, "5")
    budget_alerts_raise(alice.tenant.pk, UUID(budget))
    assert len(alerts_due()) == 1  # and dies
    alerts_run()
    assert mail.outbox == []
    BudgetAlert.objects.update(mail_next_at=datetime.now(UTC) - timedelta(seconds=1))
    alerts_run()
    assert len(mail.outbox) == 1


def test_the_next_period_tells_anew(alice, budget):
    spend(alice, budget, "5")
    alerts_run()
    BudgetAlert.objects.update(period_key="month-2020-01-01")
    spend(alice, budget, "5")
    alerts_run()
    assert len(mail.outbox) == 2


def test_many_workers_at_once_tell_once(committed, provider):
    alice = person_make("Alice", "alice")
    budget_id = alice.api.post("budgets", BUDGET).require_success().details["budget"]["id"]
    hook_set(alice, provider)
    script(provider, *[200] * 50)
    spend(alice, budget_id, "10")

    def work(_: int) -> None:
        try:
            valkey().sadd(MARKS_KEY, mark(alice.tenant.pk, budget_id))
            alerts_run()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    assert sorted(json.loads(seen.body)["share"] for seen in received(provider)) == [50, 80, 100]
    assert len(mail.outbox) == 3
    BudgetAlert.objects.all().delete()


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://10.0.0.1/hook",
        "ftp://example.com",
        "no address",
        "https://user:password@example.com/",
    ],
)
def test_a_webhook_leads_nowhere_that_it_must_not(alice, url):
    alice.api.put("alerts", {"webhook_url": url}).require_failure(400)
    assert alice.api.get("alerts").data["webhook_url"] == ""


def test_the_secret_is_shown_once(alice, provider):
    secret = hook_set(alice, provider)
    assert secret.startswith("whsec_")
    assert hook_set(alice, provider) is None
    shown = alice.api.get("alerts").require_success()
    assert shown.data["secret_last4"] == secret[-4:]
    assert secret.encode() not in shown.raw
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_secret FROM tenants_alerttarget")
        assert secret[6:] not in cursor.fetchone()[0]
    renewed = alice.api.post("alerts/secret").require_success().details["webhook_secret"]
    assert renewed != secret
