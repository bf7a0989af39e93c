"""Reads what embeddings and reranking ask for, in the hub's terms.

https://platform.openai.com/docs/api-reference/embeddings/create and, for reranking,
https://api.jina.ai/redoc#tag/rerank.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from llmhub.base.errors import InvalidRequest
from providers.protocols.chat.asked import fields_left_out
from providers.protocols.wire import Payload

_OF_EMBEDDING = frozenset({"input", "encoding_format", "input_type"})
_OF_RERANK = frozenset({"query", "documents", "top_n", "return_documents"})

_QUERIES = frozenset({"query", "search_query", "retrieval.query"})
_DOCUMENTS = frozenset({"document", "passage", "search_document", "retrieval.passage"})


class Translated(NamedTuple):
    """The caller's fields under the provider's names, and those it has no word for."""

    fields: dict[str, Any]
    left_out: tuple[str, ...]


def texts_of(payload: Payload) -> list[str]:
    """Raises InvalidRequest for tokens, which only OpenAI's models understand."""
    given = payload.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        message = "input is a text or a list of texts: this provider takes no tokens."
        raise InvalidRequest(message, field="input")
    return texts


def embedding_fields(
    payload: Payload, names: Mapping[str, str], *, has_purpose: bool = True
) -> Translated:
    """All but `input`, and `input_type` where the provider knows that: see `purpose_of`.

    `encoding_format` is how the hub writes the vectors for the caller: none but floats are asked
    for.
    """
    return _translated(
        payload, names, _OF_EMBEDDING - ({"input_type"} if not has_purpose else set())
    )


def rerank_fields(payload: Payload, names: Mapping[str, str]) -> Translated:
    """All but query and documents, and `return_documents`, which the hub itself sees to."""
    return _translated(payload, names, _OF_RERANK)


def documents_of(payload: Payload) -> list[str]:
    """The texts to rank; a document may also be an object with a `text`."""
    documents = payload.get("documents")
    texts = [_text(each) for each in documents] if isinstance(documents, list) else [None]
    if not all(isinstance(text, str) for text in texts):
        message = "documents is a list of texts, or of objects with a text."
        raise InvalidRequest(message, field="documents")
    return [text for text in texts if text is not None]


def query_of(payload: Payload) -> str:
    query = payload.get("query")
    if not isinstance(query, str):
        raise InvalidRequest("query is not a text.", field="query")
    return query


def purpose_of(payload: Payload, *, query: str, document: str) -> str:
    """`input_type` in the provider's words: what is searched with, or what is searched through.

    Where the caller does not say it is the latter; a word of neither kind goes through as it is.
    """
    given = payload.get("input_type")
    if given in _QUERIES:
        return query
    if given is None or given in _DOCUMENTS:
        return document
    return str(given)


def _text(document: Any) -> str | None:
    text = document.get("text") if isinstance(document, Mapping) else document
    return text if isinstance(text, str) else None


def _translated(payload: Payload, names: Mapping[str, str], read: Iterable[str]) -> Translated:
    fields = {names[n]: payload[n] for n in payload if n in names and payload[n] is not None}
    return Translated(fields, fields_left_out(payload, {*names, *read}))
