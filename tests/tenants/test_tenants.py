"""Creating and deleting tenants."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from llmhub.base.errors import Conflict, HubError, InvalidRequest
from llmhub.base.valkey import valkey
from tenants.config_versions import version_key
from tenants.models import Membership, Role, Tenant, TenantDataKey, User
from tenants.platform import platform_get
from tenants.services.tenants import tenant_create, tenant_delete
from tests.people import ACTOR

AUDIT = "tenants_operatoraudit"


def create(slug: str, owner: str = "alice@example.com") -> Tenant:
    return tenant_create(slug=slug, name=slug, owner_email=owner, actor=ACTOR).tenant


def schemas() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%%'")
        return {name for (name,) in cursor.fetchall()}


def shared_rows_with(text: str) -> set[str]:
    """The shared tables that have a row with this text anywhere."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT 1 FROM "{table}" AS t WHERE t::text LIKE %s', [f"%{text}%"])
            found |= {table} if cursor.fetchone() else set()
    return found


def test_a_tenant_has_a_schema_a_data_key_and_an_owner(alice):
    assert schemas() == {"t_alice"}
    assert TenantDataKey.objects.filter(tenant=alice.tenant).count() == 1
    assert Membership.objects.get(tenant=alice.tenant).role == Role.OWNER
    assert not alice.user.has_usable_password()


def test_a_taken_slug_is_a_clear_conflict(alice):
    with pytest.raises(Conflict, match="The slug 'alice' is taken"):
        create("alice", "mallory@example.com")
    assert not User.objects.filter(email="mallory@example.com").exists()


def test_a_failure_half_way_leaves_nothing(db):
    with pytest.raises(InvalidRequest):
        create("alice", "not an address")
    assert schemas() == set()
    assert shared_rows_with("alice") <= {AUDIT}
    create("alice")


def test_an_owner_may_have_several_tenants(alice):
    create("alice-too", "ALICE@example.com")
    assert Membership.objects.filter(user=alice.user).count() == 2


def test_a_deleted_tenant_leaves_nothing(alice, django_capture_on_commit_callbacks):
    tenant_id = alice.tenant.pk
    with django_capture_on_commit_callbacks(execute=True):
        alice.api.post("tokens", {"name": "app"}).require_success()
    assert valkey().get(version_key(tenant_id))
    with django_capture_on_commit_callbacks(execute=True):
        tenant_delete(tenant=alice.tenant, actor=ACTOR)
    assert schemas() == set()
    assert shared_rows_with(str(tenant_id)) == {AUDIT}, "only that it was deleted"
    assert [key for key in valkey().scan_iter() if str(tenant_id).encode() in key] == []
    alice.api.get("list").require_failure(401)


def test_a_deleted_tenant_leaves_the_others_alone(alice, charlie):
    tenant_delete(tenant=alice.tenant, actor=ACTOR)
    assert schemas() == {"t_charlie"}
    charlie.api.get("tokens").require_success()


def test_the_platform_itself_cannot_be_deleted(db):
    with pytest.raises(Conflict):
        tenant_delete(tenant=platform_get(), actor=ACTOR)


def test_of_two_at_once_with_the_same_slug_one_wins(committed):
    outcomes = at_once(lambda _: create("alice"), lambda _: create("alice"))
    assert sorted(outcomes) == ["Conflict", "Tenant"]
    assert schemas() == {"t_alice"}
    assert TenantDataKey.objects.count() == Membership.objects.count() == 1


def test_two_at_once_for_the_same_new_owner_both_succeed(committed):
    outcomes = at_once(
        lambda _: create("one", "new@example.com"), lambda _: create("two", "new@example.com")
    )
    assert outcomes == ["Tenant", "Tenant"]
    assert User.objects.get(email="new@example.com").memberships.count() == 2


def at_once(*works) -> list[str]:
    """Run each in a thread of its own, started together; gives the kinds of their results."""
    barrier = threading.Barrier(len(works))

    def run(work) -> str:
        try:
            barrier.wait(timeout=10)
            return type(work(None)).__name__
        except HubError as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))
