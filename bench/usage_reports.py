"""Reports on a tenant with a million usage events, the operator's total over 200 tenants, and how
long it takes to drop half of the million for their age.

Events are made by the database itself, over 90 days, of 10 models, 8 tokens and 3 statuses; sums by
the very code that rebuilds them. Each report is asked through the API, as its reader does; the
median of several times.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.test import Client
from django.utils import timezone

from bench.drain import schedule_stopped
from tenants.actors import Actor
from tenants.models import Tenant, TenantUsageDaily
from tenants.selectors.platform_overview import platform_overview
from tenants.services.access_tokens import TokenFacts, token_create
from tenants.services.tenants import tenant_create
from tenants.tenancy import in_schema
from tenants.usage.models import UsageDaily, UsageEvent, UsageHourly
from tenants.usage.retention import usage_drop_old
from tenants.usage.rollups import usage_days, usage_rollup_rebuild

EVENTS = 1_000_000
DAYS = 90
TENANTS = 200
ROUNDS = 7
_ACTOR = Actor.from_command("bench")

_MILLION = """
INSERT INTO usage_usageevent (id, request_id, at, access_token_id, connection_id, connection_name,
    is_shared, llm_factory, llm_name, model_type, endpoint, model_asked, input_tokens,
    output_tokens, cached_tokens, reasoning_tokens, cost_usd, price_source, is_estimated,
    is_streamed, http_status, error_kind, latency_ms, first_byte_ms, result_status, result_code)
SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
        || substr(md5(n::text), 4, 15))::uuid,
    (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
        || substr(md5(n::text), 4, 15))::uuid,
    to_timestamp(ms / 1000.0), ('00000000-0000-0000-0000-00000000000' || n %% 8)::uuid,
    ('00000000-0000-0000-0000-00000000000' || n %% 2 + 1)::uuid, 'default', false,
    'OpenAI', 'gpt-bench-' || n %% 10, 'chat', '/v1/chat/completions', 'gpt-bench-' || n %% 10,
    n %% 4000, n %% 800, 0, 0, (n %% 100000) / 1e7, 'shipped', false, n %% 2 = 0,
    CASE WHEN n %% 37 = 0 THEN 503 WHEN n %% 41 = 0 THEN 429 ELSE 200 END,
    CASE WHEN n %% 37 = 0 THEN 'overloaded' WHEN n %% 41 = 0 THEN 'rate_limited' ELSE '' END,
    n %% 5000, n %% 900,
    CASE WHEN n %% 37 = 0 THEN 503 WHEN n %% 41 = 0 THEN 429 ELSE 200 END, ''
FROM (SELECT n, (%(first)s + n * %(step)s)::bigint AS ms FROM generate_series(1, %(events)s) AS n)
"""

_REPORTS = {
    "by model and day, 90 days (the default groups)": "usage?{days}",
    "by model, 90 days": "usage?{days}&group_by=model",
    "by token and status, 90 days": "usage?{days}&group_by=token,status",
    "by day and every other dimension, 90 days": (
        "usage?{days}&group_by=day,factory,connection,model,type,token,status&page_size=1000"
    ),
    "by hour, 7 days": "usage?{week}&group_by=hour",
    "by hour, model, token and status, 7 days": (
        "usage?{week}&group_by=hour,model,token,status&page_size=1000"
    ),
    "by hour, 90 days": "usage?{days}&group_by=hour",
    "one model by day, 90 days": "usage?{days}&group_by=day&llm_name=gpt-bench-3",
    "default groups as CSV, 90 days": "usage?{days}&format=csv",
    "the last 50 requests": "requests",
    "the last 50 that failed": "requests?is_failed=true",
    "the last 50 of a model with an error": "requests?llm_name=gpt-bench-3&error=overloaded",
    "50 requests of two months ago": "requests?until={ago}",
}


def run() -> dict[str, float]:
    with schedule_stopped():
        tenant = _tenant("million")
        token = token_create(tenant=tenant, facts=TokenFacts(name="bench"), actor=_ACTOR)
        built = _seconds(lambda: _events(tenant))
        rebuilt = _seconds(lambda: _sums(tenant))
        found = {f"{name}, ms": _report(token.secret.reveal(), q) for name, q in _REPORTS.items()}
        return {
            "events": EVENTS,
            "making them, s": round(built, 1),
            "usage_rebuild of them all, s": round(rebuilt, 1),
            **_sizes(tenant),
            **found,
            f"the operator's overview, {TENANTS} tenants, ms": _overview(),
            **_dropping(tenant),
        }


def _tenant(slug: str) -> Tenant:
    return tenant_create(slug=slug, name=slug, owner_email="bench@example.com", actor=_ACTOR).tenant


def _events(tenant: Tenant) -> None:
    first = datetime.now(UTC) - timedelta(days=DAYS)
    step = DAYS * 86_400_000 / EVENTS
    values = {"first": int(first.timestamp() * 1000), "step": step, "events": EVENTS}
    with in_schema(tenant), connection.cursor() as cursor:
        cursor.execute(_MILLION, values)
        cursor.execute("ANALYZE usage_usageevent")


def _sums(tenant: Tenant) -> None:
    for day in usage_days(tenant):
        usage_rollup_rebuild(tenant=tenant, day=day)


def _report(token: str, query: str) -> float:
    today = timezone.now().date()
    path = "/llm/" + query.format(
        days=f"since={today - timedelta(days=DAYS)}",
        week=f"since={today - timedelta(days=6)}",
        ago=(timezone.now() - timedelta(days=60)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    client = Client(SERVER_NAME="localhost")

    def ask() -> None:
        answer: Any = client.get(path, headers={"authorization": f"Bearer {token}"})
        body = b"".join(answer) if answer.streaming else answer.content
        assert answer.status_code == 200, body[:500]

    return _median_ms(ask)


def _overview() -> float:
    """A month of 5 models for each of them, through the shared rollup alone."""
    today = timezone.now().date()
    for number in range(TENANTS - 1):
        tenant = _tenant(f"one-of-many-{number}")
        TenantUsageDaily.objects.bulk_create(
            TenantUsageDaily(
                tenant=tenant,
                day=today - timedelta(days=ago),
                llm_factory="OpenAI",
                llm_name=f"gpt-bench-{model}",
                model_type="chat",
                requests=10,
                attempts=10,
                input_tokens=1000,
                cost_usd=1,
            )
            for ago in range(30)
            for model in range(5)
        )
    return _median_ms(platform_overview)


def _dropping(tenant: Tenant) -> dict[str, float]:
    tenant.event_retention_days = DAYS // 2
    half = _seconds(lambda: usage_drop_old(tenant=tenant))
    with in_schema(tenant):
        left = UsageEvent.objects.count()
    return {
        "events dropped for their age": EVENTS - left,
        "dropping them, s": round(half, 1),
        "dropping, events/s": round((EVENTS - left) / half),
    }


def _sizes(tenant: Tenant) -> dict[str, float]:
    with in_schema(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('usage_usageevent') / 1e6")
        events_mb = cursor.fetchone()[0]
        return {
            "events with their indexes, MB": round(events_mb),
            "hourly sums": UsageHourly.objects.count(),
            "daily sums": UsageDaily.objects.count(),
        }


def _median_ms(work: Callable[[], object]) -> float:
    work()
    return round(statistics.median(_seconds(work) for _ in range(ROUNDS)) * 1000, 1)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
