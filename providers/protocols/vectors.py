"""Vectors from outside, checked."""

import math
from collections.abc import Iterable
from typing import Any

from providers.protocols.failures import bad_reply
from providers.protocols.usage import Usage
from providers.protocols.wire import EmbeddingReply


def reply_of_vectors(found: Iterable[Any], usage: Usage | None) -> EmbeddingReply:
    """Raises ProviderError (bad_reply) unless there are vectors, all of one length."""
    vectors = tuple(_vector(each) for each in found)
    if not vectors:
        raise bad_reply("the reply does not hold an embedding")
    if len({len(vector) for vector in vectors}) != 1:
        raise bad_reply("the embeddings of the reply differ in length")
    return EmbeddingReply(vectors, usage)


def _vector(found: Any) -> list[float]:
    if not isinstance(found, list) or not found or not all(_is_number(x) for x in found):
        raise bad_reply("the reply's embedding is not a list of numbers")
    return found


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
