"""Is there a transaction pooler, such as PgBouncer, between the hub and PostgreSQL?

Behind one, a tenant's `search_path` is lost between statements, and a query reads another tenant's
tables (measured: about half of them). So the hub refuses to run behind one.
"""

import logging
from contextlib import closing

import psycopg

logger = logging.getLogger(__name__)

ROUNDS = 3
TIMEOUT_S = 5

Connection = psycopg.Connection[tuple[int]]


class PoolerFound(Exception):
    """DATABASE_URL leads to a pooler that changes the server process between transactions."""

    def __init__(self) -> None:
        super().__init__(
            "DATABASE_URL leads through a transaction pooler, behind which tenants would read "
            "each other's rows: point it at PostgreSQL itself, or use pool_mode=session."
        )


def pooler_refuse(database_url: str) -> None:
    """Raises PoolerFound behind a transaction pooler, psycopg.OperationalError when it is away.

    On a direct connection a client keeps one server process, which no other client has. While the
    second connection is inside a transaction, a pooler either gives it the process that the first
    one has just used, or gives the first one another process than before.
    """
    with closing(_connect(database_url)) as first, closing(_connect(database_url)) as second:
        try:
            is_shared = any(_shares_processes(first, second) for _ in range(ROUNDS))
        except psycopg.errors.ProtocolViolation:  # pool_mode=statement refuses to begin
            is_shared = True
    if is_shared:
        raise PoolerFound


def pooler_refuse_at_start(database_url: str) -> None:
    """For a web process: raises PoolerFound. With the database away it starts all the same, for
    it says so in /healthz/ready and works once the database is back."""
    try:
        pooler_refuse(database_url)
    except psycopg.OperationalError as error:
        logger.warning("cannot tell whether a pooler stands before the database: %s", error)


def _shares_processes(first: Connection, second: Connection) -> bool:
    before = _process(first)
    with second.transaction():
        other = _process(second)
        return other == before or _process(first) != before


def _process(connection: Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    if row is None:
        raise PoolerFound
    return row[0]


def _connect(database_url: str) -> Connection:
    return psycopg.connect(
        database_url, autocommit=True, prepare_threshold=None, connect_timeout=TIMEOUT_S
    )
