"""Who makes a request, and for which tenant: the result of authentication."""

from collections.abc import Iterable
from dataclasses import dataclass

from llmhub.base.errors import PermissionDenied
from tenants.actors import Actor
from tenants.models import AccessToken, Membership, Role, Scope, Tenant, User

_ROLE_SCOPES = {
    Role.OWNER: frozenset({Scope.MANAGE, Scope.READ, Scope.INFERENCE}),
    Role.ADMIN: frozenset({Scope.MANAGE, Scope.READ, Scope.INFERENCE}),
    Role.MEMBER: frozenset({Scope.READ, Scope.INFERENCE}),
    Role.VIEWER: frozenset({Scope.READ}),
}


@dataclass(frozen=True)
class Principal:
    """The tenant comes from the credential alone: the token's, or the session's membership."""

    tenant: Tenant
    actor: Actor
    scopes: frozenset[str]
    user: User | None = None

    is_authenticated = True

    def may(self, scope: Scope) -> bool:
        """Managing includes reading."""
        return scope in self.scopes or (scope == Scope.READ and Scope.MANAGE in self.scopes)

    def require_no_more_than(self, scopes: Iterable[str]) -> None:
        """Nobody gives away what they do not have. Raises PermissionDenied naming the scope."""
        missing = sorted(set(scopes) - self.scopes)
        if missing:
            raise PermissionDenied(
                f"You do not have the scope `{missing[0]}`, so you cannot give it to a token.",
                details={"scope": missing[0]},
            )

    @classmethod
    def from_token(cls, token: AccessToken, source_ip: str | None) -> "Principal":
        actor = Actor.from_token(token, source_ip)
        return cls(token.tenant, actor, frozenset(token.scopes), token.created_by)

    @classmethod
    def from_membership(cls, membership: Membership, source_ip: str | None) -> "Principal":
        actor = Actor.from_user(membership.user, source_ip)
        scopes = frozenset(scope.value for scope in _ROLE_SCOPES[Role(membership.role)])
        return cls(membership.tenant, actor, scopes, membership.user)
