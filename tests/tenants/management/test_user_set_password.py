"""`manage.py user_set_password`."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from tenants.actors import Actor
from tenants.models import OperatorAuditEntry
from tenants.services.users import user_create

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-canary-password"


@pytest.fixture
def bob():
    return user_create(email="bob@example.com", actor=Actor.from_command("tests"))


def set_password(monkeypatch, text, email="bob@example.com"):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    out = io.StringIO()
    call_command("user_set_password", email, "--password-stdin", "--json", stdout=out)
    return out.getvalue()


def test_a_password_is_read_from_standard_input_and_not_shown(monkeypatch, bob):
    said = set_password(monkeypatch, f"{PASSWORD}\n", "Bob@Example.com")
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)
    assert PASSWORD not in said
    entry = OperatorAuditEntry.objects.latest("pk")
    assert (entry.action, entry.actor_label) == ("user.set_password", "user_set_password")
    assert PASSWORD not in f"{entry.before} {entry.after}"


@pytest.mark.parametrize(("text", "said"), [("short\n", "too short"), ("", "too short")])
def test_a_weak_password_is_refused(monkeypatch, bob, text, said):
    with pytest.raises(CommandError, match=said):
        set_password(monkeypatch, text)
    bob.refresh_from_db()
    assert not bob.has_usable_password()


def test_an_unknown_person_is_named(monkeypatch, bob):
    with pytest.raises(CommandError, match="There is no user 'eve"):
        set_password(monkeypatch, PASSWORD, "eve@example.com")


def test_two_prompts_must_agree(monkeypatch, bob):
    answers = iter([PASSWORD, "another"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    with pytest.raises(CommandError, match="not equal"):
        call_command("user_set_password", "bob@example.com")
    bob.refresh_from_db()
    assert not bob.has_usable_password()
