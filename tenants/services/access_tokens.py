"""Issuing and revoking hub tokens."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from llmhub.base.errors import InvalidRequest
from llmhub.base.secret import Secret
from llmhub.base.tokens import token_hash, token_new
from tenants.actors import Actor
from tenants.audit.services import Change, tenant_change
from tenants.models import AccessToken, Scope, Tenant, User
from tenants.selectors.access_tokens import token_get

ALL_SCOPES = tuple(Scope.values)


@dataclass(frozen=True)
class IssuedToken:
    """`secret` is shown to the person who asked, once; it is stored nowhere."""

    token: AccessToken
    secret: Secret


@dataclass(frozen=True)
class TokenFacts:
    """What a person says about a token when they make or change it."""

    name: str
    scopes: tuple[str, ...] = ALL_SCOPES
    allowed_models: tuple[str, ...] = ()
    expires_at: datetime | None = None


def token_create(
    *, tenant: Tenant, facts: TokenFacts, actor: Actor, created_by: User | None = None
) -> IssuedToken:
    """Raises InvalidRequest naming the field."""
    _require_future(facts.expires_at)
    secret = token_new()
    token = AccessToken(
        tenant=tenant,
        token_hash=token_hash(secret.reveal()),
        last4=secret.last4(),
        created_by=created_by,
    )
    _set(token, facts)
    with tenant_change(tenant=tenant, actor=actor, action="token.create") as change:
        token.save(force_insert=True)
        _tell(change, token)
    return IssuedToken(token, secret)


def token_update(*, tenant: Tenant, token_id: UUID, facts: TokenFacts, actor: Actor) -> AccessToken:
    """Change everything but the secret. Raises NotFound and InvalidRequest."""
    token = token_get(tenant=tenant, token_id=token_id)
    before = token_facts_json(token)
    if facts.expires_at != token.expires_at:
        _require_future(facts.expires_at)
    _set(token, facts)
    with tenant_change(tenant=tenant, actor=actor, action="token.update") as change:
        if before == token_facts_json(token):
            change.nothing_changed()
        else:
            token.save()
        _tell(change, token, before)
    return token


def token_revoke(*, tenant: Tenant, token_id: UUID, actor: Actor) -> None:
    """From the next request on the token is refused. Raises NotFound where it is unknown; revoking
    twice changes nothing."""
    token = token_get(tenant=tenant, token_id=token_id)
    with tenant_change(tenant=tenant, actor=actor, action="token.revoke") as change:
        _tell(change, token)
        alive = AccessToken.objects.filter(pk=token.pk, revoked_at__isnull=True)
        if not alive.update(revoked_at=timezone.now()):
            change.nothing_changed()


def tokens_touch(*, used_at: dict[UUID, datetime]) -> None:
    """Note when tokens were last used; never moves a time backwards. One statement, which takes
    the rows in one order: two of them at once wait for each other and never both."""
    table = connection.ops.quote_name(AccessToken._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH used AS (SELECT * FROM unnest(%s::uuid[], %s::timestamptz[]) AS u (id, moment)),"  # noqa: S608
            f" held AS (SELECT t.id, used.moment FROM {table} AS t JOIN used USING (id)"
            " WHERE t.last_used_at IS NULL OR t.last_used_at < used.moment"
            " ORDER BY t.id FOR NO KEY UPDATE OF t)"
            f" UPDATE {table} AS t SET last_used_at = held.moment FROM held WHERE t.id = held.id",
            [list(used_at), list(used_at.values())],
        )


def token_facts_json(token: AccessToken) -> dict[str, object]:
    return {
        "name": token.name,
        "scopes": sorted(token.scopes),
        "allowed_models": list(token.allowed_models),
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "last4": token.last4,
    }


def scopes_parse(words: Iterable[str]) -> tuple[str, ...]:
    """Raises InvalidRequest for a word that is no scope, and for none at all."""
    scopes = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
    unknown = [scope for scope in scopes if scope not in ALL_SCOPES]
    if unknown or not scopes:
        said = f"Unknown scope {unknown[0]!r}." if unknown else "A token needs a scope."
        raise InvalidRequest(f"{said} Scopes are {', '.join(ALL_SCOPES)}.", field="scopes")
    return scopes


def _set(token: AccessToken, facts: TokenFacts) -> None:
    token.name = facts.name.strip()
    token.scopes = list(scopes_parse(facts.scopes))
    token.allowed_models = list(facts.allowed_models)
    token.expires_at = facts.expires_at
    try:
        token.full_clean(exclude=["tenant", "created_by"], validate_unique=False)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidRequest(f"{field}: {' '.join(messages)}", field=field) from None


def _require_future(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidRequest("expires_at is in the past. Give a time to come.", field="expires_at")


def _tell(change: Change, token: AccessToken, before: dict[str, object] | None = None) -> None:
    change.about("token", token.pk, token.name)
    change.before = before
    change.after = token_facts_json(token)
