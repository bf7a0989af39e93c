"""Making the sums anew from the events, should they ever be in doubt."""

from datetime import UTC, date, datetime, time, timedelta

from django.db import connection, transaction

from tenants.models import Tenant, TenantUsageDaily
from tenants.tenancy import in_schema
from tenants.usage.models import UsageDaily, UsageEvent

_SUMS = "count(*), count(*) FILTER (WHERE error_kind <> ''), sum(input_tokens), sum(output_tokens)"


def usage_rollup_rebuild(*, tenant: Tenant, day: date) -> None:
    """Replace the day's (UTC) sums of the tenant, its own and the shared ones, by those of its
    events. Safe beside a running drain, which waits for the moment that this takes.

    The drain adds to UsageDaily before it adds to the shared rollup, so whoever holds this table's
    lock sees every event of which one sum was moved, and none of the others.
    """
    since = datetime.combine(day, time.min, UTC)
    window = [since, since + timedelta(days=1)]
    own, shared, events = (
        connection.ops.quote_name(model._meta.db_table)
        for model in (UsageDaily, TenantUsageDaily, UsageEvent)
    )
    with in_schema(tenant), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {own} IN SHARE ROW EXCLUSIVE MODE")
        UsageDaily.objects.filter(day=day).delete()
        TenantUsageDaily.objects.filter(tenant=tenant, day=day).delete()
        cursor.execute(
            f"INSERT INTO {own} (day, connection_id, llm_name, model_type, llm_factory,"  # noqa: S608
            " connection_name, is_shared, requests, failed_requests, input_tokens, output_tokens,"
            " cached_tokens, reasoning_tokens)"
            " SELECT %s, connection_id, llm_name, model_type, max(llm_factory),"
            f" max(connection_name), bool_or(is_shared), {_SUMS}, sum(cached_tokens),"
            f" sum(reasoning_tokens) FROM {events} WHERE at >= %s AND at < %s"
            " GROUP BY connection_id, llm_name, model_type",
            [day, *window],
        )
        cursor.execute(
            f"INSERT INTO {shared} (tenant_id, day, llm_factory, llm_name, model_type, requests,"  # noqa: S608
            " failed_requests, input_tokens, output_tokens)"
            f" SELECT %s, %s, llm_factory, llm_name, model_type, {_SUMS} FROM {events}"
            " WHERE at >= %s AND at < %s GROUP BY llm_factory, llm_name, model_type",
            [tenant.pk, day, *window],
        )
