"""Embeddings and reranking on Bedrock: each family of models has a body of its own.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
"""

from collections.abc import Mapping
from typing import Any

from llmhub.base.errors import InvalidRequest, NotSupported
from providers.protocols.chat.asked import fields_left_out
from providers.protocols.failures import bad_reply
from providers.protocols.openai.replies import reply_object
from providers.protocols.usage import Usage, usage_make
from providers.protocols.vectors import reply_of_vectors
from providers.protocols.wire import EmbeddingReply, Payload

_EMBEDDING_READ = frozenset({"input", "encoding_format", "dimensions", "input_type", "truncate"})
_RERANK_READ = frozenset({"query", "documents", "top_n"})
_COHERE_RERANK_VERSION = 2


def embedding_body(payload: Payload, model: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body, and the fields that were left out. Raises InvalidRequest where a model embeds one
    text a request and more are given, and NotSupported for a family that is not known."""
    texts = _texts(payload)
    left_out = list(fields_left_out(payload, _EMBEDDING_READ))
    if "amazon.titan-embed" in model:
        return _titan(payload, model, texts, left_out), tuple(left_out)
    if "cohere.embed" in model:
        return _cohere(payload, model, texts, left_out), tuple(left_out)
    raise NotSupported(f"{model}: on Bedrock, Titan's and Cohere's embeddings are supported.")


def _texts(payload: Payload) -> list[str]:
    given = payload.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        message = "input is a text or a list of texts: this provider takes no tokens."
        raise InvalidRequest(message, field="input")
    return texts


def _titan(payload: Payload, model: str, texts: list[str], left_out: list[str]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html"""
    if len(texts) != 1:
        message = f"{model} embeds one text a request: input holds {len(texts)}."
        raise InvalidRequest(message, field="input")
    left_out += [name for name in ("input_type", "truncate") if payload.get(name) is not None]
    body: dict[str, Any] = {"inputText": texts[0]}
    if payload.get("dimensions") is None:
        return body
    if "titan-embed-text-v1" in model:
        left_out.append("dimensions")
        return body
    return {**body, "dimensions": payload["dimensions"]}


def _cohere(payload: Payload, model: str, texts: list[str], left_out: list[str]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html"""
    kind = payload.get("input_type") or "search_document"
    body: dict[str, Any] = {"texts": texts, "input_type": kind, "embedding_types": ["float"]}
    if payload.get("truncate") is not None:
        body["truncate"] = payload["truncate"]
    if payload.get("dimensions") is None:
        return body
    if "embed-v4" not in model:
        left_out.append("dimensions")
        return body
    return {**body, "output_dimension": payload["dimensions"]}


def embedding_parse(body: bytes) -> EmbeddingReply:
    """Titan's `embedding` with its count of tokens, Cohere's `embeddings`, by type or not."""
    reply = reply_object(body)
    if "embedding" in reply:
        return reply_of_vectors([reply["embedding"]], embedding_usage(reply))
    vectors = reply.get("embeddings")
    if isinstance(vectors, dict):
        vectors = vectors.get("float")
    if not isinstance(vectors, list):
        raise bad_reply("the reply does not hold an embedding")
    return reply_of_vectors(vectors, None)


def embedding_usage(reply: Mapping[str, Any]) -> Usage | None:
    count = reply.get("inputTextTokenCount")
    return None if count is None else usage_make(count, 0).usage


def rerank_body(payload: Payload, model: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/rerank-supported.html"""
    documents = payload.get("documents")
    if not isinstance(documents, list) or not documents:
        raise InvalidRequest("documents is not a list of texts.", field="documents")
    body: dict[str, Any] = {
        "query": payload.get("query"),
        "documents": [_document(each, i) for i, each in enumerate(documents)],
    }
    if payload.get("top_n") is not None:
        body["top_n"] = payload["top_n"]
    if "cohere.rerank" in model:
        body["api_version"] = _COHERE_RERANK_VERSION
    elif "amazon.rerank" not in model:
        raise NotSupported(f"{model}: on Bedrock, Amazon's and Cohere's rerankers are supported.")
    return body, fields_left_out(payload, _RERANK_READ)


def _document(document: Any, place: int) -> str:
    text = document.get("text") if isinstance(document, Mapping) else document
    if not isinstance(text, str):
        field = f"documents[{place}]"
        raise InvalidRequest(f"{field} is not a text.", field=field)
    return text
