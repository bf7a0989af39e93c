"""Hub tokens: 256 random bits, shown once, stored as a hash."""

import hashlib
import secrets

from llmhub.base.secret import Secret

PREFIX = "hub_"


def token_new() -> Secret:
    """`hub_` and 43 url-safe characters (256 bits)."""
    return Secret(PREFIX + secrets.token_urlsafe(32))


def token_hash(token: str) -> str:
    """SHA-256, hexadecimal. A fast hash is enough: 256 random bits cannot be guessed from it, and
    looking the hash up leaks nothing that a timing attack could use."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
