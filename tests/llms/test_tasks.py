"""Background tests of connections, run here as functions."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from llmhub.base.valkey import valkey
from tenants.audit.models import AuditEntry
from tenants.llms.models import Connection
from tenants.llms.recheck import RECHECK_KEY, recheck_member
from tenants.llms.services.connection_checks import connections_due
from tenants.llms.tasks import connections_check, rechecks_run
from tenants.models import SharedConnection, Tenant
from tenants.platform import platform_get
from tenants.tenancy import in_schema
from tests.llms.shared import shared_model_grant
from tests.management import connections, model_add, models
from tests.provider_server import Reply

CHAT = "/v1/chat/completions"
QUOTA = {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}}


@pytest.fixture
def due(chat):
    """Alice's connection, last checked long ago."""
    forget_check(chat.tenant)
    return chat


def forget_check(tenant) -> None:
    with in_schema(tenant):
        Connection.objects.update(checked_at=timezone.now() - timedelta(days=1))


def version(tenant) -> int:
    return Tenant.objects.get(pk=tenant.pk).config_version


def check(person) -> dict:
    assert connections_check(str(person.tenant.pk)) == 1
    return connections(person.api)[0]


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Reply(401, {"error": {"message": "no", "code": "invalid_api_key"}}), "invalid_key"),
        (Reply(429, QUOTA), "out_of_quota"),
        (Reply(503, {"error": {"message": "busy"}}), "unreachable"),
        (Reply(429, {"error": {"message": "slow down"}}), "valid"),
    ],
)
def test_a_check_updates_the_state(due, provider, reply, state):
    provider.script(CHAT, reply)
    row = check(due)
    assert row["state"] == state
    assert bool(row["state_message"]) is (state != "valid")


def test_a_changed_state_raises_the_version_and_the_same_state_does_not(due, provider):
    before = version(due.tenant)
    check(due)
    assert version(due.tenant) == before
    forget_check(due.tenant)
    provider.script(CHAT, Reply(429, QUOTA))
    check(due)
    assert version(due.tenant) == before + 1


def test_a_key_that_works_again_is_available_again(due, provider):
    provider.script(CHAT, Reply(401, {"error": {"message": "no", "code": "invalid_api_key"}}))
    check(due)
    assert models(due.api)[0]["available"] is False
    forget_check(due.tenant)
    check(due)
    assert models(due.api)[0]["available"] is True


def test_a_check_is_no_change_of_configuration(due, provider):
    with in_schema(due.tenant):
        before = AuditEntry.objects.count()
        provider.script(CHAT, Reply(429, QUOTA))
    check(due)
    with in_schema(due.tenant):
        assert AuditEntry.objects.count() == before


def test_a_key_that_changed_in_the_meantime_keeps_its_own_state(due, provider):
    """The key changes while the provider is asked: what it says is about the old one."""
    with in_schema(due.tenant):
        row = Connection.objects.get()
    verdict_of_old_key = _Changing(due, provider)
    provider.script(CHAT, Reply(401, {"error": {"message": "no", "code": "invalid_api_key"}}))
    with verdict_of_old_key:
        connections_check(str(due.tenant.pk))
    with in_schema(due.tenant):
        assert Connection.objects.get(pk=row.pk).state == "valid"
    assert models(due.api)[0]["available"] is True


class _Changing:
    """Stores the key anew, under a new ciphertext, at the moment the old one was opened."""

    def __init__(self, person, provider) -> None:
        self._person, self._provider = person, provider

    def __enter__(self) -> None:
        from django.db import connection

        self._wrapper = connection.execute_wrapper(self._after_update)
        self._is_done = False
        self._wrapper.__enter__()

    def __exit__(self, *exc_info: object) -> None:
        self._wrapper.__exit__(*exc_info)

    def _after_update(self, execute, sql, params, many, context):
        if "UPDATE" in sql and "llms_connection" in sql and not self._is_done:
            self._is_done = True
            with in_schema(self._person.tenant):
                Connection.objects.update(sealed_credentials="v1.1.another")
        return execute(sql, params, many, context)


def test_only_what_was_not_checked_lately_is_due(chat, provider):
    assert connections_due(tenant=chat.tenant) == []
    forget_check(chat.tenant)
    assert len(connections_due(tenant=chat.tenant)) == 1
    with in_schema(chat.tenant):
        Connection.objects.update(is_enabled=False)
    assert connections_due(tenant=chat.tenant) == []


def test_shared_connections_are_checked_under_the_platform(alice, provider):
    shared_model_grant(provider)
    SharedConnection.objects.update(checked_at=None)
    provider.script(CHAT, Reply(429, QUOTA))
    assert connections_check(str(platform_get().pk)) == 1
    assert SharedConnection.objects.get().state == "out_of_quota"


def test_a_tenant_that_is_gone_is_no_error(db):
    assert connections_check(str(uuid4())) == 0


def test_a_wish_of_the_gateway_is_taken_once(chat, provider):
    provider.script(CHAT, Reply(429, QUOTA))
    wish(chat.tenant.pk, connections(chat.api)[0]["id"])
    assert rechecks_run() == 1
    assert connections(chat.api)[0]["state"] == "out_of_quota"
    assert rechecks_run() == 0


def test_wishes_for_what_is_gone_are_dropped(chat, charlie, provider):
    wish(chat.tenant.pk, uuid4())
    wish(uuid4(), uuid4())
    wish(charlie.tenant.pk, connections(chat.api)[0]["id"])
    asked = len(provider.seen)
    assert rechecks_run() == 0
    assert len(provider.seen) == asked
    assert valkey().scard(RECHECK_KEY) == 0


def wish(tenant_id, connection_id) -> None:
    valkey().sadd(RECHECK_KEY, recheck_member(tenant_id, connection_id))


def test_one_that_fails_does_not_keep_the_others_from_being_checked(chat, provider):
    model_add(chat.api, provider, connection="second")
    forget_check(chat.tenant)
    with in_schema(chat.tenant):
        Connection.objects.filter(name="default").update(sealed_credentials="v1.1.AAAA")
    assert connections_check(str(chat.tenant.pk)) == 1
