"""Perplexity's embeddings. https://docs.perplexity.ai/api-reference/embeddings-post"""

import binascii
from base64 import b64decode
from typing import Any

from llmhub.base.errors import InvalidRequest
from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.foreign import Foreign
from providers.protocols.inputs import embedding_fields, texts_of
from providers.protocols.json_calls import json_post
from providers.protocols.openai.replies import reply_object, usage_parse
from providers.protocols.vectors import reply_of_vectors
from providers.protocols.wire import EmbeddingReply, Payload, ProviderRequest, Target


class Perplexity(Foreign):
    """Credentials: `api_key`. Vectors come as signed bytes."""

    name = "perplexity"
    serves = frozenset({ModelType.EMBEDDING})

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        if "context" in model:
            message = f"{model} takes the chunks of documents, which an embeddings call cannot say."
            raise InvalidRequest(message, field="model")
        fields, left_out = embedding_fields(
            payload, {"dimensions": "dimensions"}, has_purpose=False
        )
        body = {"model": model, "input": texts_of(payload), "encoding_format": "base64_int8"}
        url = f"{target.base_url.removesuffix('/v1')}/v1/embeddings"
        return json_post(target, url, {**body, **fields}, left_out)

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        reply = reply_object(body)
        data = reply.get("data")
        if not isinstance(data, list):
            raise bad_reply("the reply does not hold an embedding")
        return reply_of_vectors(map(_vector, data), usage_parse(reply).usage)


def _vector(item: Any) -> list[int]:
    text = item.get("embedding") if isinstance(item, dict) else None
    try:
        packed = b64decode(text, validate=True) if isinstance(text, str) else b""
    except binascii.Error:
        packed = b""
    return [byte - 256 if byte > 127 else byte for byte in packed]
