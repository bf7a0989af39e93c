"""The commands for scripts."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tenants.models import AccessToken, Tenant
from tests.api import Api


def run(*args: str) -> dict:
    out = StringIO()
    call_command(*args, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_tenant_is_created_with_a_token_that_works(catalog):
    made = run("tenant_create", "acme", "--name", "Acme", "--owner", "Owner@Example.com")
    assert set(made) == {"tenant", "owner", "token"}
    assert (made["tenant"], made["owner"]) == ("acme", "owner@example.com")
    Api(made["token"]).get("list").require_success()


def test_a_token_is_created_with_the_scopes_that_were_asked_for(alice):
    made = run("token_create", "alice", "--name", "ci", "--scopes", "read, inference")
    assert set(made) == {"token"}
    api = Api(made["token"])
    api.get("list").require_success()
    api.post("tokens", {"name": "x"}).require_failure(403)
    assert AccessToken.objects.get(name="ci").scopes == ["read", "inference"]


def test_a_tenant_is_deleted(alice):
    assert run("tenant_delete", "alice") == {"deleted": "alice"}
    assert not Tenant.objects.filter(slug="alice").exists()


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("tenant_create", "alice", "--owner", "a@example.com"), "The slug 'alice' is taken"),
        (("tenant_create", "Not A Slug", "--owner", "a@example.com"), "A slug has lower-case"),
        (("tenant_create", "new", "--owner", "nobody"), "valid email"),
        (("tenant_delete", "nobody"), "There is no tenant 'nobody'"),
        (("tenant_delete", "operator"), "There is no tenant 'operator'"),
        (("token_create", "nobody", "--name", "x"), "There is no tenant"),
        (("token_create", "alice", "--name", "x", "--scopes", "root"), "Unknown scope 'root'"),
        (("token_create", "alice", "--name", "x", "--scopes", ","), "A token needs a scope"),
        (("token_create", "alice", "--name", "a\nb"), "name:"),
        (("token_create", "alice", "--name", ""), "name:"),
    ],
)
def test_a_mistake_is_one_clear_line(alice, args, complaint):
    with pytest.raises(CommandError, match=complaint) as raised:
        run(*args)
    assert "\n" not in str(raised.value).replace("a\nb", "")


def test_it_also_speaks_to_people(alice):
    out = StringIO()
    call_command("token_create", "alice", "--name", "ci", stdout=out)
    assert out.getvalue().startswith("token: hub_")
