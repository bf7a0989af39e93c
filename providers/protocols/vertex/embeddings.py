"""Embeddings on Vertex: the older models predict, the newer ones embed one content at a time.

https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

import re
from typing import Any

from llmhub.base.errors import InvalidRequest
from providers.protocols.chat.asked import fields_left_out
from providers.protocols.failures import bad_reply
from providers.protocols.gemini.embeddings import KNOWN
from providers.protocols.gemini.replies import object_of, usage_of
from providers.protocols.inputs import texts_of
from providers.protocols.openai.replies import reply_json
from providers.protocols.usage import Usage, usage_make
from providers.protocols.vectors import reply_of_vectors
from providers.protocols.wire import EmbeddingReply, Payload

_EMBEDS_CONTENT = re.compile(r"gemini-embedding-(?!001|exp)")


def embedding_body(payload: Payload, model: str) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """The method, its body, and the fields that were left out."""
    texts, left_out = texts_of(payload), fields_left_out(payload, KNOWN)
    if not _EMBEDS_CONTENT.search(model):
        return "predict", _prediction(payload, texts), left_out
    if len(texts) != 1:
        message = f"{model} embeds one text a request on Vertex: input holds {len(texts)}."
        raise InvalidRequest(message, field="input")
    body: dict[str, Any] = {"content": {"parts": [{"text": texts[0]}]}}
    config = {
        googles: payload[name]
        for name, googles in (
            ("dimensions", "outputDimensionality"),
            ("task_type", "taskType"),
            ("title", "title"),
        )
        if payload.get(name) is not None
    }
    return "embedContent", {**body, "embedContentConfig": config} if config else body, left_out


def _prediction(payload: Payload, texts: list[str]) -> dict[str, Any]:
    told = {name: payload[name] for name in ("task_type", "title") if payload.get(name) is not None}
    body: dict[str, Any] = {"instances": [{"content": text, **told} for text in texts]}
    if payload.get("dimensions") is not None:
        body["parameters"] = {"outputDimensionality": payload["dimensions"]}
    return body


def embedding_parse(body: bytes) -> EmbeddingReply:
    reply = object_of(reply_json(body))
    embedding = reply.get("embedding")
    if isinstance(embedding, dict):
        return reply_of_vectors([embedding.get("values")], usage_of(reply).usage)
    predictions = reply.get("predictions")
    if not isinstance(predictions, list):
        raise bad_reply("the reply does not hold an embedding")
    found = [each.get("embeddings") if isinstance(each, dict) else None for each in predictions]
    known = [each if isinstance(each, dict) else {} for each in found]
    return reply_of_vectors([each.get("values") for each in known], _counted(known))


def _counted(embeddings: list[dict[str, Any]]) -> Usage | None:
    """Each text's tokens are counted with its vector."""
    statistics = [each.get("statistics") for each in embeddings]
    counts = [told.get("token_count") if isinstance(told, dict) else None for told in statistics]
    if not counts or not all(type(count) in (int, float) for count in counts):
        return None
    return usage_make(sum(count for count in counts if count is not None), 0).usage
