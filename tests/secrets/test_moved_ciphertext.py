"""Promise 24: a ciphertext that is moved to another tenant, table or row does not open."""

import logging

import pytest

from llmhub.base.errors import CorruptSecret
from providers.selectors import factory_get
from tenants.keyring import keyring_of
from tenants.llms.models import Connection
from tenants.llms.snapshot_build import snapshot_build
from tenants.llms.stored_credentials import credentials_open
from tenants.models import SharedConnection, TenantDataKey
from tenants.platform import platform_get
from tenants.tenancy import in_schema
from tests.management import model_add
from tests.secrets.canary import CANARY, leaks


def opened(tenant, row):
    factory = factory_get(name=row.llm_factory)
    return credentials_open(row, keyring_of(tenant), factory)["api_key"].reveal()


def only_connection(tenant) -> Connection:
    with in_schema(tenant):
        return Connection.objects.get()


def test_where_it_stands_it_opens(stored):
    alice, _ = stored
    assert opened(alice.tenant, only_connection(alice.tenant)) == CANARY


def test_it_does_not_open_in_another_tenant(stored, charlie, strict):
    alice, _ = stored
    body = {"llm_factory": "VLLM", "api_key": CANARY, "api_base": strict.url}
    charlie.api.post("set_api_key", body).require_success()
    mine, theirs = only_connection(charlie.tenant), only_connection(alice.tenant)
    mine.sealed_credentials = theirs.sealed_credentials
    with pytest.raises(CorruptSecret):
        opened(charlie.tenant, mine)
    mine.id = theirs.id
    with pytest.raises(CorruptSecret):
        opened(charlie.tenant, mine)


def test_it_does_not_open_in_another_tenant_that_took_the_data_key_too(stored, charlie):
    alice, _ = stored
    wrapped = TenantDataKey.objects.get(tenant=alice.tenant).wrapped
    TenantDataKey.objects.filter(tenant=charlie.tenant).update(wrapped=wrapped)
    with pytest.raises(CorruptSecret):
        opened(charlie.tenant, only_connection(alice.tenant))


def test_it_does_not_open_in_another_row(stored, strict):
    alice, _ = stored
    row = only_connection(alice.tenant)
    with in_schema(alice.tenant):
        other = Connection(llm_factory="VLLM", name="other")
    other.sealed_credentials = row.sealed_credentials
    with pytest.raises(CorruptSecret):
        opened(alice.tenant, other)


def test_it_does_not_open_in_another_table(stored):
    _, shared = stored
    moved = Connection(id=shared.id, llm_factory="VLLM", name="moved")
    moved.sealed_credentials = shared.sealed_credentials
    with pytest.raises(CorruptSecret):
        opened(platform_get(), moved)


def test_a_key_of_another_version_does_not_open_it(stored):
    alice, _ = stored
    row = only_connection(alice.tenant)
    row.sealed_credentials = row.sealed_credentials.replace("v1.1.", "v1.2.", 1)
    with pytest.raises(CorruptSecret):
        opened(alice.tenant, row)


def test_without_the_data_key_nothing_opens(stored):
    alice, _ = stored
    TenantDataKey.objects.filter(tenant=alice.tenant).delete()
    with pytest.raises(CorruptSecret):
        opened(alice.tenant, only_connection(alice.tenant))


def test_one_that_does_not_open_takes_no_other_connection_down(stored, strict, caplog):
    alice, _ = stored
    model_add(alice.api, strict, api_key=CANARY, connection="good")
    with in_schema(alice.tenant):
        Connection.objects.filter(name="default").update(sealed_credentials="v1.1.AAAA")
    with caplog.at_level(logging.DEBUG):
        snapshot = snapshot_build(alice.tenant.pk)
        listed = alice.api.get("list").require_success()
    keys = {m.connection.name: m.connection.credentials for m in snapshot.models}
    assert keys["good"]["api_key"].reveal() == CANARY
    assert keys["default"] == {}
    assert "good" in {m["connection"] for group in listed.data.values() for m in group}
    assert leaks(caplog.text.encode()) == []


def test_the_api_says_that_a_secret_does_not_open(stored):
    alice, _ = stored
    row = only_connection(alice.tenant)
    with in_schema(alice.tenant):
        Connection.objects.update(sealed_credentials="v1.1.AAAA")
    answer = alice.api.post(f"connections/{row.pk}/check").require_failure(500)
    assert answer.code == "corrupt_secret"
    assert SharedConnection.objects.count() == 1
