"""The operator's pages of people."""

import pytest

from tenants.models import User
from tests.llmhub.admin.pages import act, actions_since, last_entry_id, page, text

pytestmark = pytest.mark.django_db

INLINE = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
PASSWORD = "a-canary-of-a-password"


def test_an_operator_is_created_and_audited(operator):
    before = last_entry_id()
    operator.post(
        page("user", "add"), {"email": "Bob@example.com", "name": "Bob", "is_staff": "on"}
    )
    bob = User.objects.get(email="bob@example.com")
    assert (bob.is_staff, bob.is_superuser) == (True, True)
    assert not bob.has_usable_password()
    assert actions_since(before) == ["user.create"]


def test_deactivating_ends_the_sessions(operator, client, charlie):
    theirs = type(client)()
    theirs.force_login(charlie.owner)
    assert theirs.get("/").status_code == 200
    before = last_entry_id()
    form = {"name": "", **INLINE}
    operator.post(page("user", "change", charlie.owner.pk), form)
    assert actions_since(before) == ["user.update"]
    response = theirs.get("/")
    assert response["Location"].startswith("/login/")


def test_an_operator_cannot_shut_themselves_out(operator, alice):
    response = act(operator, "user", "deactivate", [alice])
    assert "You cannot shut yourself out." in text(response)
    response = operator.post(
        page("user", "change", alice.pk), {"name": "", "is_active": "on", **INLINE}, follow=True
    )
    assert "You cannot shut yourself out." in text(response)
    alice.refresh_from_db()
    assert (alice.is_active, alice.is_staff) == (True, True)


def test_a_password_is_set_audited_and_shown_nowhere(operator, charlie):
    before = last_entry_id()
    address = page("user", "password", charlie.owner.pk)
    response = operator.post(address, {"password": PASSWORD, "again": PASSWORD}, follow=True)
    charlie.owner.refresh_from_db()
    assert charlie.owner.check_password(PASSWORD)
    assert actions_since(before) == ["user.set_password"]
    assert PASSWORD not in text(response)
    assert charlie.owner.password not in text(response)


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [("tiny-one", "tiny-one", "too short"), (PASSWORD, "another", "The two are not equal.")],
)
def test_a_password_that_will_not_do_is_refused(operator, charlie, password, again, said):
    before = charlie.owner.password
    address = page("user", "password", charlie.owner.pk)
    response = operator.post(address, {"password": password, "again": again})
    assert said in text(response)
    assert password not in text(response)
    charlie.owner.refresh_from_db()
    assert charlie.owner.password == before


def test_the_forms_hold_no_hash_and_cannot_set_one(operator, charlie):
    address = page("user", "change", charlie.owner.pk)
    assert charlie.owner.password not in text(operator.get(address))
    operator.post(address, {"name": "C", "is_active": "on", "password": "x", **INLINE})
    before = charlie.owner.password
    charlie.owner.refresh_from_db()
    assert (charlie.owner.name, charlie.owner.password) == ("C", before)


def test_changing_ones_own_password_leads_to_the_page_that_audits_it(operator):
    assert operator.get("/admin/password_change/")["Location"] == "/password/"
