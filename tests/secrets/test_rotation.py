"""Promise 24: rotation is online, survives SIGKILL half-way, and leaves every key readable."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet
from django.db import connection, transaction

from llmhub.base.secret import Secret
from llmhub.base.secretbox import MasterKeys
from tenants import keyring
from tenants.keyring import data_key_create
from tenants.models import Tenant, TenantDataKey
from tests.architecture.sources import ROOT
from tests.management import connections, model_add
from tests.people import person_make
from tests.provider_server import ProviderServer

TENANTS = 20


@pytest.fixture
def keys(settings) -> Iterator[tuple[str, str]]:
    """The hub's master key, and the one that is to follow it."""
    old = settings.HUB.fernet_keys[0].reveal()
    yield old, Fernet.generate_key().decode()
    keyring.master_keys.cache_clear()


def configure(settings, *keys: str) -> None:
    """Restart this process with other FERNET_KEYS, as far as the keyring sees it."""
    settings.HUB = replace(settings.HUB, fernet_keys=tuple(Secret(key) for key in keys))
    keyring.master_keys.cache_clear()


def rotation(*keys: str) -> subprocess.Popen[str]:
    database = connection.settings_dict
    url = (
        f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}"
        f":{database['PORT']}/{database['NAME']}"
    )
    env = os.environ | {"DATABASE_URL": url, "FERNET_KEYS": ",".join(keys)}
    command = [sys.executable, "manage.py", "rotate_keys", "--json"]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)


def rotate(*keys: str) -> int:
    with rotation(*keys) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return json.loads(out)["rewrapped"]


def wrapped_by(*keys: str) -> Counter[str]:
    """How many data keys each of these master keys opens."""
    openers = {key: MasterKeys([Secret(key)]) for key in keys}
    rows = TenantDataKey.objects.all()
    return Counter(
        k for row in rows for k, opener in openers.items() if opener.is_current(row.wrapped)
    )


def wait_until_blocked(process: subprocess.Popen[str]) -> None:
    """Until the rotation waits for the row that this test has locked."""
    while process.poll() is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return
    raise AssertionError("the rotation ended before it came to the locked row")


def key_is_used(person, provider: ProviderServer) -> None:
    """The stored key is opened and sent, and the provider accepts it."""
    row = connections(person.api)[0]
    answer = person.api.post(f"connections/{row['id']}/check").require_success()
    assert answer.details["connection"]["state"] == "valid"


def data_keys_make() -> int:
    """Many tenants, of which only the data key matters here; gives how many keys there are."""
    tenants = [Tenant(slug=f"t{n}", schema_name=f"t_x{n}", name="x") for n in range(TENANTS)]
    for tenant in Tenant.objects.bulk_create(tenants):
        data_key_create(tenant)
    return TenantDataKey.objects.count()


def test_killed_half_way_and_run_again(committed, keys, settings, provider):
    old, new = keys
    alice = person_make("Alice", "alice")
    model_add(alice.api, provider)
    key_is_used(alice, provider)
    everything = data_keys_make()
    middle = TenantDataKey.objects.order_by("pk")[TENANTS // 2]

    configure(settings, new, old)
    with rotation(new, old) as process:
        with transaction.atomic():
            TenantDataKey.objects.select_for_update().get(pk=middle.pk)
            wait_until_blocked(process)
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=10)
        assert process.returncode == -signal.SIGKILL
    half = wrapped_by(old, new)
    assert half[old] + half[new] == everything
    assert half[old] > 0
    assert half[new] > 0
    key_is_used(alice, provider)

    assert 0 < rotate(new, old) < everything
    assert wrapped_by(old, new) == {new: everything}
    assert keyring.data_keys_rewrap() == 0
    key_is_used(alice, provider)

    configure(settings, new)
    key_is_used(alice, provider)


def test_without_the_old_key_a_data_key_does_not_open_and_says_why(alice, keys, settings, provider):
    _, new = keys
    model_add(alice.api, provider)
    row = connections(alice.api)[0]
    configure(settings, new)
    answer = alice.api.post(f"connections/{row['id']}/check").require_failure(500)
    assert "was one removed before rotate_keys ran" in answer.message
