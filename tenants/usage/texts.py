"""Prompts and answers, for tenants that keep them: sealed where they arise, opened where read.

The gateway seals before anything leaves its process, so neither Valkey nor PostgreSQL sees a word.
A text is bound to tenant, table, column and row, as credentials are (llmhub/base/secretbox.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from llmhub.base.errors import CorruptSecret
from llmhub.base.secret import Secret
from llmhub.base.secretbox import DataKey, Place, seal
from tenants.keyring import keyring_of
from tenants.models import Tenant

MAX_BYTES = 64_000
"""Of the prompt, and of the answer, as UTF-8; what is longer is cut, and says so. Escaped, sealed
and in base64 the two are always shorter than `MAX_SEALED_TEXT`."""
_TABLE = "usage_usageevent"
_COLUMN = "sealed_text"


@dataclass(frozen=True)
class Texts:
    """`request` is the body as JSON, `answer` what was generated."""

    request: str
    answer: str
    is_cut: bool


@dataclass(frozen=True)
class TextSeal:
    """Seals a tenant's texts; part of its snapshot where it keeps them."""

    tenant_id: UUID
    key: DataKey = field(repr=False)

    def seal(self, event_id: UUID, payload: Mapping[str, Any], answer: str) -> str:
        request, given = orjson.dumps(payload, default=repr), answer.encode("utf-8", "replace")
        content = {
            "request": _cut(request),
            "answer": _cut(given),
            "is_cut": max(len(request), len(given)) > MAX_BYTES,
        }
        return seal(self.key, _place(self.tenant_id, event_id), Secret(_dumps(content)))


def text_seal_of(tenant: Tenant) -> TextSeal | None:
    """None for a tenant that keeps no texts."""
    if not tenant.is_prompt_logging:
        return None
    return TextSeal(tenant.pk, keyring_of(tenant).current)


def texts_open(tenant: Tenant, event_id: UUID, sealed: str | None) -> Texts | None:
    """None where nothing was kept, or where it does not open: its key is gone."""
    if sealed is None:
        return None
    try:
        text = keyring_of(tenant).open_text(place=_place(tenant.pk, event_id), sealed=sealed)
    except CorruptSecret:
        return None
    content = orjson.loads(text.reveal())
    return Texts(content["request"], content["answer"], content["is_cut"])


def _place(tenant_id: UUID, event_id: UUID) -> Place:
    return Place(tenant_id, _TABLE, _COLUMN, event_id)


def _cut(text: bytes) -> str:
    return text[:MAX_BYTES].decode("utf-8", "ignore")


def _dumps(content: Mapping[str, Any]) -> str:
    return orjson.dumps(content).decode()
