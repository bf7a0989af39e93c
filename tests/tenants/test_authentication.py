"""Tokens and sessions: who gets in."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from llmhub.base.tokens import token_hash, token_new
from tenants.models import AccessToken, Membership, Tenant, TenantStatus, User
from tests.api import Api
from tests.management import connections
from tests.people import session_of, token_issue

NOT_ACCEPTED = "This token is not accepted: it is unknown, expired or revoked."


@pytest.mark.parametrize(
    "header",
    [
        "hub_without-a-scheme",
        "Basic aHViOmh1Yg==",
        "Bearer",
        "Bearer ",
        "Bearer hub_unknown",
        "Bearer hub_" + "x" * 10_000,
        "Bearer \N{SNOWMAN}".encode().decode("latin-1"),
        "Token hub_x",
    ],
)
def test_a_header_that_is_no_credential_is_refused(alice, header):
    answer = alice.api.send("GET", "list", headers={"Authorization": header})
    assert answer.require_failure(401).code == "not_authenticated"


def test_unknown_expired_and_revoked_cannot_be_told_apart(alice):
    said = set()
    for change in ({"revoked_at": timezone.now()}, {"expires_at": timezone.now()}):
        token = token_issue(alice.tenant)
        AccessToken.objects.filter(token_hash=token_hash(token)).update(**change)
        said.add(Api(token).get("list").require_failure(401).message)
    said.add(Api(token_new().reveal()).get("list").require_failure(401).message)
    assert said == {NOT_ACCEPTED}


def test_a_token_that_has_not_expired_yet_works(alice):
    token = token_issue(alice.tenant)
    later = timezone.now() + timedelta(minutes=1)
    AccessToken.objects.filter(token_hash=token_hash(token)).update(expires_at=later)
    Api(token).get("list").require_success()


def test_the_scheme_is_read_in_any_case(alice):
    headers = {"Authorization": f"bEaReR   {alice.token}  "}
    Api().send("GET", "list", headers=headers).require_success()


def test_a_token_is_stored_as_a_hash_alone(alice):
    row = AccessToken.objects.get(tenant=alice.tenant)
    assert row.token_hash == token_hash(alice.token)
    assert alice.token not in str(vars(row))
    assert row.last4 == alice.token[-4:]


def test_a_suspended_tenant_is_refused(alice):
    Tenant.objects.filter(pk=alice.tenant.pk).update(status=TenantStatus.SUSPENDED)
    alice.api.get("list").require_failure(401)
    session_of(alice.user).get("list").require_failure(403)


def test_a_session_reads(alice):
    session_of(alice.user).get("list").require_success()


def test_a_session_writes_only_with_the_csrf_token(alice):
    without = session_of(alice.user, has_csrf=False)
    answer = without.post("tokens", {"name": "app"}).require_failure(403)
    assert "CSRF" in answer.message
    for verb, path in (("PUT", "defaults"), ("POST", "set_api_key"), ("POST", "delete_factory")):
        without.send(verb, path, {}).require_failure(403)
    session_of(alice.user).post("tokens", {"name": "app"}).require_success()


def test_a_wrong_csrf_token_is_refused(alice):
    browser = session_of(alice.user)
    browser.headers["X-CSRFToken"] = "0" * 32
    browser.post("tokens", {"name": "app"}).require_failure(403)


def test_a_token_needs_no_csrf_token(alice):
    alice.api.client.handler.enforce_csrf_checks = True
    alice.api.post("tokens", {"name": "app"}).require_success()


def test_who_is_no_member_any_more_is_refused(alice):
    browser = session_of(alice.user)
    Membership.objects.filter(user=alice.user).delete()
    answer = browser.get("list").require_failure(403)
    assert "not a member" in answer.message


def test_who_was_switched_off_is_refused(alice):
    browser = session_of(alice.user)
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    browser.get("list").require_failure(401)


def test_an_operator_is_not_a_member_of_every_tenant(alice):
    operator = User.objects.create_superuser("operator@example.com", "a-long-password-of-theirs")
    session_of(operator, alice.tenant).get("list").require_failure(403)


def test_an_error_of_our_own_is_answered_with_an_id_and_logged_under_it(alice, caplog):
    """The table of the routes is gone, which no code foresees."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE t_alice.llms_connection CASCADE")
    answer = alice.api.get("connections").require_failure(500)
    error_id = answer.error["details"]["id"]
    assert answer.code == "internal_error"
    assert error_id in answer.message
    assert error_id in caplog.text
    assert b"llms_connection" not in answer.raw


def test_a_database_that_does_not_answer_is_503(alice):
    from django.db import connection

    def away(execute, sql, params, many, context):
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(away):
        answer = alice.api.get("connections").require_failure(503)
    assert answer.code == "database_unavailable"
    assert answer.headers["Retry-After"] == "5"
    assert connections(alice.api) == []


def test_a_statement_that_takes_too_long_is_503(alice):
    """The same from the server itself: it ends a statement that waits for a lock."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION pg_temp.stop() RETURNS trigger AS $$ BEGIN "
            "RAISE EXCEPTION 'stop' USING ERRCODE = 'query_canceled'; END $$ "
            "LANGUAGE plpgsql"
        )
        cursor.execute(
            "CREATE TRIGGER stop BEFORE INSERT ON tenants_accesstoken "
            "EXECUTE FUNCTION pg_temp.stop()"
        )
    answer = alice.api.post("tokens", {"name": "app"}).require_failure(503)
    assert answer.code == "database_unavailable"


def test_an_address_that_is_not_there_is_in_the_envelope(alice):
    alice.api.get("nothing").require_failure(404)
    alice.api.get("tokens/" + "9" * 40).require_failure(404)
