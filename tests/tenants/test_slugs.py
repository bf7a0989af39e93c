"""Promise 23: whatever is given as a slug, a schema name is harmless."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmhub.base.errors import InvalidRequest
from tenants.models import Tenant
from tenants.models.tenant import schema_name_of, validate_slug
from tenants.services.tenants import tenant_create
from tests.people import ACTOR

SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
HOSTILE = [
    "",
    " ",
    "Alice",
    "9lives",
    "-a",
    "a-",
    "a--b",
    "a_b",
    "a b",
    "a\n",
    "a\0",
    "a;drop schema public cascade",
    'a"; drop schema public',
    "a'b",
    "a\\b",
    "../a",
    "é",
    "\N{CYRILLIC SMALL LETTER A}lice",
    "\N{FULLWIDTH LATIN SMALL LETTER A}",
    "a" * 49,
    "public",
    "operator",
    "admin",
]


@settings(max_examples=200, deadline=None)
@given(st.text() | st.from_regex(r"[a-z0-9-]{1,60}\n?", fullmatch=True))
@example("a\n")
@example("a" * 48)
def test_a_slug_is_refused_or_makes_a_harmless_name(slug):
    try:
        validate_slug(slug)
    except ValidationError:
        return
    assert SCHEMA_NAME.fullmatch(schema_name_of(slug))
    assert not schema_name_of(slug).startswith("pg_")


@settings(max_examples=50, deadline=None)
@given(st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,5}){0,4}", fullmatch=True))
def test_two_slugs_never_share_a_schema(slug):
    assert schema_name_of(slug).removeprefix("t_").replace("_", "-") == slug


@pytest.mark.parametrize("slug", HOSTILE)
def test_a_hostile_slug_makes_no_tenant(db, slug):
    with pytest.raises(InvalidRequest):
        tenant_create(slug=slug, name="x", owner_email="alice@example.com", actor=ACTOR)
    assert not Tenant.objects.exclude(schema_name="public").exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 't\\_%'")
        assert cursor.fetchone() == (0,)


def test_the_database_knows_no_other_names(db):
    Tenant(slug="alice", name="x", schema_name="t_alice").full_clean()
    for name in ("public; --", "t_a\n", "T_a", "pg_temp-1", "a" * 64):
        with pytest.raises(ValidationError):
            Tenant(slug="alice", name="x", schema_name=name).full_clean()
