"""What a load balancer and `make up` ask: is the process alive, and may it get requests?"""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError

from llmhub.broker import broker_ping


def live(request: HttpRequest) -> JsonResponse:
    """`GET /healthz/live`: this process answers. Restart it when it does not."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """`GET /healthz/ready`: 200 when the database and Valkey/Redis answer, else 503.

    It names the part that is away and nothing else, because anyone may ask.
    """
    parts = {"database": _database_answers(), "valkey": _valkey_answers()}
    is_ready = all(parts.values())
    words = {name: "ok" if answers else "away" for name, answers in parts.items()}
    return JsonResponse(
        {"status": "ok" if is_ready else "unavailable", **words}, status=200 if is_ready else 503
    )


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        connection.close()
        return False
    return True


def _valkey_answers() -> bool:
    try:
        broker_ping()
    except RedisError:
        return False
    return True
