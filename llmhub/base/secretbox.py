"""Envelope encryption: Fernet keys wrap data keys, data keys seal values where they stand.

A value is sealed with AES-256-GCM and bound to its place (tenant, table, column, row) as associated
data, so a ciphertext that is copied to another place does not open there. Sources: the Fernet
specification (https://github.com/fernet/spec) and NIST SP 800-38D for GCM (96-bit random nonces).
"""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from llmhub.base.errors import CorruptSecret
from llmhub.base.secret import Secret

_FORMAT = "v1"
_NONCE_BYTES = 12


@dataclass(frozen=True)
class Place:
    """Where a sealed value stands; it opens nowhere else."""

    tenant_id: UUID
    table: str
    column: str
    row_id: UUID

    def as_bytes(self) -> bytes:
        return f"{self.tenant_id}|{self.table}|{self.column}|{self.row_id}".encode()


@dataclass(frozen=True, repr=False)
class DataKey:
    """A tenant's 32-byte key of one version, unwrapped."""

    version: int
    material: bytes


class MasterKeys:
    """The Fernet keys of the hub; the first wraps, every one of them unwraps."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._current = Fernet(keys[0].reveal())
        self._all = MultiFernet([Fernet(key.reveal()) for key in keys])

    def new_wrapped_data_key(self) -> str:
        """A fresh 32-byte data key, wrapped for storage."""
        return self._current.encrypt(AESGCM.generate_key(bit_length=256)).decode()

    def unwrap(self, version: int, wrapped: str) -> DataKey:
        """Raises CorruptSecret when no master key opens it."""
        try:
            return DataKey(version, self._all.decrypt(wrapped))
        except InvalidToken:
            raise CorruptSecret(
                "A data key opens with none of FERNET_KEYS: was one removed before rotate_keys ran?"
            ) from None

    def is_current(self, wrapped: str) -> bool:
        """Whether the first master key wraps it."""
        try:
            self._current.decrypt(wrapped)
        except InvalidToken:
            return False
        return True

    def rewrap(self, wrapped: str) -> str:
        """The same data key under the first master key. Raises CorruptSecret as `unwrap` does."""
        return self._current.encrypt(self.unwrap(0, wrapped).material).decode()


def seal(key: DataKey, place: Place, value: Secret) -> str:
    """Text `v1.<key version>.<nonce and ciphertext, url-safe base64>`."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key.material).encrypt(nonce, value.reveal().encode(), place.as_bytes())
    return f"{_FORMAT}.{key.version}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def key_version(sealed: str) -> int:
    """The version of the data key that sealed it. Raises CorruptSecret for anything malformed."""
    form, _, rest = sealed.partition(".")
    version, _, _ = rest.partition(".")
    if form != _FORMAT or not version.isdecimal():
        raise CorruptSecret("A stored secret is not in a form that this hub writes.")
    return int(version)


def unseal(key: DataKey, place: Place, sealed: str) -> Secret:
    """Raises CorruptSecret when it was sealed elsewhere, with another key, or was altered."""
    if key_version(sealed) != key.version:
        raise CorruptSecret("A stored secret names another version of the data key.")
    try:
        raw = base64.urlsafe_b64decode(sealed.rpartition(".")[2])
        plain = AESGCM(key.material).decrypt(
            raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.as_bytes()
        )
    except (InvalidTag, ValueError):
        raise CorruptSecret("A stored secret does not open where it stands.") from None
    return Secret(plain.decode())
