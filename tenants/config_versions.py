"""The version of a tenant's configuration, as the gateway sees it.

PostgreSQL holds the truth (`Tenant.config_version`, raised in the transaction of the change).
Valkey holds a copy that the gateway reads with each request, under `hub:version:<tenant id>`:

- a number: compare it with the snapshot's;
- `?`: a change is under way, ask PostgreSQL. Set before the change, so that a process which dies
  between commit and publication leaves `?` and not an old number. It expires by itself;
- missing (expired, flushed, evicted): ask PostgreSQL.

With Valkey away a change is still made: the gateway, which then cannot read it either, asks
PostgreSQL (open for the change, closed for the caller).
"""

import logging
from collections.abc import Iterable
from uuid import UUID

from django.db import connection, transaction

from llmhub.base.errors import NotFound
from llmhub.base.valkey import ValkeyError, valkey
from tenants.models import Tenant

logger = logging.getLogger(__name__)

UNDER_WAY = b"?"
UNDER_WAY_TTL_S = 30
PUBLISHED_TTL_S = 60

_PUBLISH = """
local known = tonumber(redis.call('GET', KEYS[1]))
if known == nil or known < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""


def version_key(tenant_id: UUID) -> str:
    return f"hub:version:{tenant_id}"


def version_raise(tenant: Tenant) -> None:
    """Inside the transaction of a change: raise the version now, publish it after the commit."""
    _announce(tenant.pk)
    version = _raise_in_database(tenant.pk)
    transaction.on_commit(lambda: version_publish(tenant.pk, version))


def version_publish(tenant_id: UUID, version: int) -> None:
    """Never lowers a version that is already there."""
    try:
        valkey().eval(_PUBLISH, 1, version_key(tenant_id), str(version), str(PUBLISHED_TTL_S))
    except ValkeyError as error:
        logger.warning("version of tenant %s not published: %s", tenant_id, type(error).__name__)


def versions_of(tenant_ids: Iterable[UUID]) -> dict[UUID, int]:
    """What PostgreSQL says; a tenant that is gone is missing from the result."""
    rows = Tenant.objects.filter(pk__in=tenant_ids).values_list("pk", "config_version")
    return dict(rows)


def version_forget(tenant_id: UUID) -> None:
    """The tenant is deleted: leave no key of it."""
    try:
        valkey().delete(version_key(tenant_id))
    except ValkeyError as error:
        logger.warning("version of tenant %s not removed: %s", tenant_id, type(error).__name__)


def _raise_in_database(tenant_id: UUID) -> int:
    table = connection.ops.quote_name(Tenant._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET config_version = config_version + 1 WHERE id = %s"  # noqa: S608
            " RETURNING config_version",
            [tenant_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound("This tenant no longer exists.")
    return int(row[0])


def _announce(tenant_id: UUID) -> None:
    try:
        valkey().set(version_key(tenant_id), UNDER_WAY, ex=UNDER_WAY_TTL_S)
    except ValkeyError as error:
        logger.warning("change of tenant %s not announced: %s", tenant_id, type(error).__name__)
