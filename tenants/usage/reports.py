"""Reports on usage: the sums grouped by any of their dimensions, never a scan of the events."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from tenants.models import Tenant
from tenants.tenancy import in_schema
from tenants.usage.models import UsageDaily, UsageHourly
from tenants.usage.sums import EVENT_SUMS, table
from tenants.usage.zones import day_starts

_DAY_OF_HOUR = "(hour AT TIME ZONE %(zone)s)::date"
_HOUR = "date_bin('1 hour', hour, 'epoch'::timestamptz)"

# What can be grouped by -> the column of the answer, and of both rollups.
DIMENSIONS = {
    "factory": "llm_factory",
    "connection": "connection_name",
    "model": "llm_name",
    "type": "model_type",
    "token": "access_token_id",
    "status": "status",
}
MOMENTS = ("day", "hour")
GROUPS = (*MOMENTS, *DIMENSIONS)
SUMS = tuple(EVENT_SUMS)
_EXPORTED_AT_ONCE = 2_000

Row = dict[str, Any]


@dataclass(frozen=True)
class UsageQuery:
    """`since` and `until` are days in the tenant's time zone, both included; `filters` are by
    dimension; `order_by` names groups and sums, with `-` for descending."""

    since: date
    until: date
    group_by: tuple[str, ...]
    filters: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    order_by: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.group_by, *SUMS)


@dataclass(frozen=True)
class UsageReport:
    """One page of `total` rows; `totals` are of them all."""

    rows: list[Row]
    total: int
    totals: Row


def usage_report(tenant: Tenant, query: UsageQuery, *, limit: int, offset: int = 0) -> UsageReport:
    """Rows are keyed by the groups' names and the sums' names."""
    statement, parameters = _statement(tenant, query)
    with in_schema(tenant), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT *, count(*) OVER () FROM ({statement}) AS r LIMIT %(limit)s OFFSET %(offset)s",  # noqa: S608
            {**parameters, "limit": limit, "offset": offset},
        )
        found = cursor.fetchall()
        everything = UsageQuery(query.since, query.until, (), query.filters)
        cursor.execute(*_statement(tenant, everything))
        totals = dict(zip(SUMS, cursor.fetchone(), strict=True))
        total = found[0][-1] if found else _count(cursor, statement, parameters, offset)
    rows = [dict(zip(query.columns, row[:-1], strict=True)) for row in found]
    return UsageReport(rows, total, totals)


def usage_export(
    tenant: Tenant, query: UsageQuery, write: Callable[[Iterable[Sequence[Any]]], None]
) -> None:
    """Hand all rows to `write`, some thousand at a time, as `query.columns` has them. The database
    keeps what was not fetched yet, so memory stays flat."""
    statement, parameters = _statement(tenant, query)
    with in_schema(tenant), transaction.atomic():
        with connection.cursor() as settled:
            settled.execute("SELECT 1")  # a named cursor cannot set the search path itself
        assert connection.connection is not None
        with connection.connection.cursor(name="usage_export") as cursor:
            cursor.execute(statement, parameters)
            while rows := cursor.fetchmany(_EXPORTED_AT_ONCE):
                write(rows)


def _count(cursor: Any, statement: str, parameters: Mapping[str, Any], offset: int) -> int:
    """A page behind the last one knows nothing of the others."""
    if not offset:
        return 0
    cursor.execute(f"SELECT count(*) FROM ({statement}) AS r", parameters)  # noqa: S608
    return int(cursor.fetchone()[0])


def _statement(tenant: Tenant, query: UsageQuery) -> tuple[str, dict[str, Any]]:
    """Days wherever they will do: there are a tenth as many of them as of hours."""
    is_hourly = "hour" in query.group_by
    groups = {name: _expression(name, is_hourly) for name in query.group_by}
    sums = {name: f"coalesce(sum({name}), 0){_cast(name)}" for name in SUMS}
    columns = ", ".join(f"{value} AS {_quoted(name)}" for name, value in {**groups, **sums}.items())
    conditions, parameters = _conditions(tenant, query, is_hourly)
    statement = (
        f"SELECT {columns} FROM {table(UsageHourly if is_hourly else UsageDaily)}"  # noqa: S608
        f" WHERE {' AND '.join(conditions)}"
    )
    if groups:
        statement += f" GROUP BY {', '.join(groups.values())} ORDER BY {_order(query)}"
    return statement, parameters


def _expression(name: str, is_hourly: bool) -> str:
    if name == "day" and is_hourly:
        return _DAY_OF_HOUR
    return _HOUR if name == "hour" else DIMENSIONS.get(name, name)


def _cast(name: str) -> str:
    return "" if name == "cost_usd" else "::bigint"


def _conditions(
    tenant: Tenant, query: UsageQuery, is_hourly: bool
) -> tuple[list[str], dict[str, Any]]:
    parameters: dict[str, Any] = {"zone": tenant.time_zone}
    if is_hourly:
        conditions = ["hour >= %(since)s", "hour < %(until)s"]
        parameters |= _moments(tenant.time_zone, query)
    else:
        conditions = ["day >= %(since)s", "day <= %(until)s"]
        parameters |= {"since": query.since, "until": query.until}
    for name, values in query.filters.items():
        conditions.append(f"{DIMENSIONS[name]} = ANY(%({name})s)")
        parameters[name] = list(values)
    return conditions, parameters


def _moments(zone: str, query: UsageQuery) -> dict[str, datetime]:
    after = query.until + timedelta(days=1)
    return {"since": day_starts(query.since, zone), "until": day_starts(after, zone)}


def _order(query: UsageQuery) -> str:
    """What was asked for, then what makes the order one: the latest first, then by name."""
    asked = {name.removeprefix("-"): name.startswith("-") for name in query.order_by}
    usual = {name: name in MOMENTS for name in query.group_by if name not in asked}
    known = {*query.group_by, *SUMS}
    wanted = {name: down for name, down in {**asked, **usual}.items() if name in known}
    return ", ".join(f"{_quoted(name)}{' DESC' if down else ''}" for name, down in wanted.items())


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
