"""Whether Valkey/Redis answers."""

from functools import cache

from django.conf import settings
from redis import Redis

TIMEOUT_S = 2


def broker_ping() -> None:
    """Raises redis.exceptions.RedisError when it does not answer in time."""
    _client().ping()


@cache
def _client() -> Redis:
    return Redis.from_url(
        settings.HUB.redis_url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
