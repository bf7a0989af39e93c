"""Signing in, out, and changing one's own password."""

from typing import Any

import pytest
from django.test import Client

from tenants.models import OperatorAuditEntry
from tenants.services.sign_in import FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS, WINDOW_S
from tests.tenants.pages.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(client: Client, email: str, password: str, **extra: Any) -> Any:
    return client.post("/login/", {"username": email, "password": password}, **extra)


@pytest.mark.parametrize("email", ["alice@example.com", " Alice@Example.com "])
def test_alice_signs_in_whatever_the_case_of_her_address(client, alice, email):
    assert sign_in(client, email, PASSWORD)["Location"] == "/"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_a_refusal_does_not_say_who_exists(client, alice, email):
    response = sign_in(client, email, "wrong")
    assert response.status_code == 200
    assert "E-mail and password do not match." in response.content.decode()


def test_someone_who_was_deactivated_does_not_get_in(client, alice):
    alice.owner.is_active = False
    alice.owner.save()
    assert "do not match" in sign_in(client, "alice@example.com", PASSWORD).content.decode()


def test_the_form_helps_password_managers(client):
    shown = client.get("/login/").content.decode()
    assert 'autocomplete="username"' in shown
    assert 'autocomplete="current-password"' in shown


def test_the_next_page_is_one_of_ours(client, alice):
    data = {"username": "alice@example.com", "password": PASSWORD}
    response = client.post("/login/", {**data, "next": "https://evil.example/"})
    assert response["Location"] == "/"


def test_guessing_at_an_account_is_bounded_from_wherever_it_comes(client, alice):
    for number in range(FAILURES_PER_ACCOUNT):
        at = {"REMOTE_ADDR": f"192.0.2.{number}", "HTTP_X_FORWARDED_FOR": f"203.0.113.{number}"}
        assert sign_in(client, "alice@example.com", "wrong", **at).status_code == 200
    response = sign_in(client, "ALICE@example.com", PASSWORD, REMOTE_ADDR="198.51.100.1")
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= WINDOW_S
    assert "Try again in 15 minutes." in response.content.decode()
    assert client.get("/")["Location"].startswith("/login/")


def test_guessing_from_an_address_is_bounded_whatever_it_says_of_itself(client, alice):
    for number in range(FAILURES_PER_ADDRESS):
        sign_in(client, f"u{number}@example.com", "x", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    response = sign_in(client, "alice@example.com", PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.99")
    assert response.status_code == 429
    elsewhere = sign_in(client, "alice@example.com", PASSWORD, REMOTE_ADDR="192.0.2.1")
    assert elsewhere.status_code == 302


def test_signing_in_takes_the_failures_off_the_account(client, alice):
    for _ in range(3):
        for _ in range(FAILURES_PER_ACCOUNT - 1):
            sign_in(client, "alice@example.com", "wrong")
        assert sign_in(client, "alice@example.com", PASSWORD).status_code == 302


def test_signing_in_and_out_need_the_csrf_token(browser, alice):
    assert sign_in(browser, "alice@example.com", PASSWORD).status_code == 403
    browser.force_login(alice.owner)
    response = browser.post("/logout/")
    assert response.status_code == 403
    assert "This form is out of date" in response.content.decode()
    assert browser.get("/").status_code == 200


def test_signing_out_ends_the_session(client, alice):
    client.force_login(alice.owner)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/").status_code == 302


def test_alice_changes_her_password_and_her_other_sessions_end(client, alice):
    other = Client()
    for session in (client, other):
        session.force_login(alice.owner)
    new = "another-long-password"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/password/", form)["Location"] == "/"
    assert client.get("/").status_code == 200
    assert other.get("/").status_code == 302
    assert OperatorAuditEntry.objects.latest("pk").action == "user.set_password"


def test_guessing_the_old_password_is_bounded_too(client, alice):
    client.force_login(alice.owner)
    new = "another-long-password"
    form = {"old_password": "wrong", "new_password1": new, "new_password2": new}
    for _ in range(FAILURES_PER_ACCOUNT):
        assert client.post("/password/", form).status_code == 200
    assert client.post("/password/", {**form, "old_password": PASSWORD}).status_code == 429
    alice.owner.refresh_from_db()
    assert alice.owner.check_password(PASSWORD)
