"""django-tenants' database backend, for a database that may go away: settings' ENGINE.

With the pool full, whoever asks waits for a connection. With the server gone nobody need wait: that
is found out within the pool's timeout, and said at once.
"""

import socket
import time
from typing import Any

from django_tenants.postgresql_backend import base
from psycopg_pool import PoolTimeout

WAIT_S = 5.0
"""How long a busy pool is waited for. The pool's own timeout, a part of this, is how soon we look
whether the server is there at all."""
_CONNECT_S = 0.2


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Raises psycopg's OperationalError, soon where nobody listens at the address."""
        ends_at = time.monotonic() + WAIT_S
        while True:
            try:
                return super().get_new_connection(conn_params)
            except PoolTimeout:
                if time.monotonic() > ends_at or not _is_listening(conn_params):
                    raise


def _is_listening(conn_params: dict[str, Any]) -> bool:
    host, port = conn_params.get("host") or "127.0.0.1", int(conn_params.get("port") or 5432)
    if host.startswith("/"):
        return _connects(socket.AF_UNIX, f"{host}/.s.PGSQL.{port}")
    try:
        socket.create_connection((host, port), timeout=_CONNECT_S).close()
    except OSError:
        return False
    return True


def _connects(family: int, address: str) -> bool:
    with socket.socket(family) as probe:
        probe.settimeout(_CONNECT_S)
        return probe.connect_ex(address) == 0
