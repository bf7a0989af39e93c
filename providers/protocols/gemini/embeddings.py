"""Embeddings in Gemini's terms. https://ai.google.dev/api/embeddings"""

from typing import Any

from providers.protocols.chat.asked import fields_left_out
from providers.protocols.failures import bad_reply
from providers.protocols.gemini.replies import object_of, usage_of
from providers.protocols.inputs import texts_of
from providers.protocols.openai.replies import reply_json
from providers.protocols.vectors import reply_of_vectors
from providers.protocols.wire import EmbeddingReply, Payload

KNOWN = frozenset({"input", "dimensions", "encoding_format", "task_type", "title"})
"""`encoding_format` is how the hub writes the vectors for the caller; none but floats come here."""


def embedding_body(payload: Payload, model_path: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    options = {
        googles: payload[name]
        for name, googles in (
            ("dimensions", "outputDimensionality"),
            ("task_type", "taskType"),
            ("title", "title"),
        )
        if payload.get(name) is not None
    }
    requests = [
        {"model": model_path, "content": {"parts": [{"text": text}]}, **options}
        for text in texts_of(payload)
    ]
    return {"requests": requests}, fields_left_out(payload, KNOWN)


def embedding_parse(body: bytes) -> EmbeddingReply:
    reply = object_of(reply_json(body))
    embeddings = reply.get("embeddings")
    if not isinstance(embeddings, list):
        raise bad_reply("the reply does not hold an embedding")
    vectors = [each.get("values") if isinstance(each, dict) else None for each in embeddings]
    return reply_of_vectors(vectors, usage_of(reply).usage)
