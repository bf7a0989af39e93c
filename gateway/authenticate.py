"""Whose call is it? The credential alone says so: neither host, path, header nor body does."""

from collections.abc import Collection
from datetime import UTC, datetime

from gateway.caller import Caller
from gateway.errors import InvalidToken, NotPermitted
from llmhub.base.tokens import PREFIX, token_hash
from tenants.snapshots import Snapshot, TokenView

_SCHEME = b"bearer "
_MAX_TOKEN_BYTES = 200
_PREFIX = PREFIX.encode()


def token_hash_of(caller: Caller) -> str:
    """The hash of the caller's token. Raises InvalidToken where there is none that could be ours.

    It comes as a bearer token, or as Anthropic's clients send it, in `x-api-key`. Of two the bearer
    token counts, unless it is somebody else's.
    """
    for token in (_bearer_token(caller), caller.header(b"x-api-key") or b""):
        if token.startswith(_PREFIX) and len(token) <= _MAX_TOKEN_BYTES:
            return token_hash(token.decode("latin-1"))
    raise InvalidToken


def _bearer_token(caller: Caller) -> bytes:
    header = caller.header(b"authorization") or b""
    return header[len(_SCHEME) :].strip() if header[: len(_SCHEME)].lower() == _SCHEME else b""


def token_check(snapshot: Snapshot, hashed: str, scopes: Collection[str]) -> TokenView:
    """The live token with one of the scopes. Raises InvalidToken and NotPermitted."""
    token = snapshot.tokens.get(hashed)
    if token is None:
        raise InvalidToken
    if token.expires_at is not None and token.expires_at <= datetime.now(UTC):
        raise InvalidToken
    if token.scopes.isdisjoint(scopes):
        needed = " or ".join(scopes)
        raise NotPermitted(f"This token lacks the scope {needed}.", code="scope_missing")
    return token
