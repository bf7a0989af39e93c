"""Where Valkey is: REDIS_URL, understood.

`redis://user:password@host:port/0`, `rediss://` for TLS, `unix://:password@/path?db=0`; as
https://www.iana.org/assignments/uri-schemes/prov/redis has it.
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from llmhub.base.secret import Secret


@dataclass(frozen=True)
class ValkeyAddress:
    """`path` is a socket's file; empty for a host and port."""

    host: str = "127.0.0.1"
    port: int = 6379
    path: str = ""
    database: int = 0
    username: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    tls: ssl.SSLContext | None = None

    def greetings(self) -> Iterator[tuple[str, ...]]:
        """The commands that open a connection."""
        if self.password:
            user = (self.username,) if self.username else ()
            yield ("AUTH", *user, self.password.reveal())
        if self.database:
            yield ("SELECT", str(self.database))


def valkey_address(url: str) -> ValkeyAddress:
    """Parse a URL that llmhub/config.py has checked."""
    parts = urlsplit(url)
    is_unix = parts.scheme == "unix"
    query = parse_qs(parts.query)
    database = query.get("db", [""])[0] or ("" if is_unix else parts.path.strip("/"))
    return ValkeyAddress(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 6379,
        path=unquote(parts.path) if is_unix else "",
        database=int(database) if database.isdecimal() else 0,
        username=unquote(parts.username or ""),
        password=Secret(unquote(parts.password or "")),
        tls=ssl.create_default_context() if parts.scheme == "rediss" else None,
    )
