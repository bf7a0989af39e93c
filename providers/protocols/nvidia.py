"""NVIDIA's retrieval models: embeddings much like OpenAI's, and reranking of its own.

https://docs.api.nvidia.com/nim/reference/retrieval-apis
"""

from dataclasses import replace
from urllib.parse import quote, urlsplit

import orjson

from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.inputs import documents_of, purpose_of, query_of, rerank_fields
from providers.protocols.json_calls import json_post
from providers.protocols.openai.kin import OpenAIKin
from providers.protocols.openai.replies import reply_object, rerank_parse
from providers.protocols.usage import usage_read
from providers.protocols.wire import Payload, ProviderRequest, RerankReply, Target

_HOSTED = "ai.api.nvidia.com"
# The model that has no path of its own, and goes by another name there.
_FIRST = {"nvidia/rerank-qa-mistral-4b": "nv-rerank-qa-mistral-4b:1"}


class NVIDIA(OpenAIKin):
    """Credentials: `api_key`."""

    name = "nvidia"
    serves = frozenset({ModelType.EMBEDDING, ModelType.RERANK})
    passes = frozenset({ModelType.EMBEDDING})

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        """The models want to know what for; unless the caller says it, texts are to be found."""
        request = super().embedding_request(target, payload, model=model)
        purpose = purpose_of(payload, query="query", document="passage")
        body = {**payload, "model": model, "input_type": purpose}
        return replace(request, body=orjson.dumps(body))

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        """Hosted models have a path each; a NIM of one's own ranks at `/ranking`."""
        fields, left_out = rerank_fields(payload, {"truncate": "truncate"})
        passages = [{"text": text} for text in documents_of(payload)]
        body = {
            "model": _FIRST.get(model, model),
            "query": {"text": query_of(payload)},
            "passages": passages,
            **fields,
        }
        return json_post(target, target.base_url + _path(target, model), body, left_out)

    def rerank_reply(self, body: bytes) -> RerankReply:
        """The scores are logits: any number, and the higher the better."""
        reply = reply_object(body)
        rankings = reply.get("rankings")
        if not isinstance(rankings, list) or not all(isinstance(r, dict) for r in rankings):
            raise bad_reply("the reply does not hold a ranked document")
        ranked = [{"index": r.get("index"), "score": r.get("logit")} for r in rankings]
        scores = rerank_parse(orjson.dumps(ranked)).scores
        return RerankReply(scores, usage_read(reply.get("usage")).usage)


def _path(target: Target, model: str) -> str:
    if urlsplit(target.base_url).hostname != _HOSTED:
        return "/ranking"
    if model in _FIRST:
        return "/reranking"
    return f"/{quote(model.removeprefix('nvidia/').replace('.', '_'), safe='')}/reranking"
