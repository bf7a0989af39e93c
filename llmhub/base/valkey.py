"""The synchronous connection to Valkey or Redis, one pool a process. The gateway has its own."""

from functools import cache

import redis
from django.conf import settings


@cache
def valkey() -> "redis.Redis":
    """Every wait ends within a second: what uses it has a way to go on without it."""
    return redis.Redis.from_url(
        settings.HUB.redis_url,
        socket_timeout=1,
        socket_connect_timeout=1,
        health_check_interval=30,
        decode_responses=False,
    )


ValkeyError = redis.RedisError
