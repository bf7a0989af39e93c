"""Documents by how well they fit a query: `/v1/rerank` in Jina's shape, `/v2/rerank` in Cohere's.

https://api.jina.ai/redoc#tag/rerank and https://docs.cohere.com/reference/rerank. Both answer with
`results` of `index` and `relevance_score`; what comes otherwise (a list from TEI, `data` from
Voyage) is written in that shape.
"""

from typing import Any

import orjson

from gateway.endpoints.endpoint import Endpoint, ReplyFacts
from gateway.errors import BadRequest
from gateway.request_body import Payload
from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.wire import ProviderRequest, RerankReply, Target, Usage, WireProtocol
from providers.token_counts import count_tokens


def _request(
    protocol: WireProtocol, target: Target, payload: Payload, model: str
) -> ProviderRequest:
    return protocol.rerank_request(target, payload, model=model)


def _read(protocol: WireProtocol, target: Target, payload: Payload, body: bytes) -> ReplyFacts:
    reply = protocol.rerank_reply(body)
    if any(index >= len(payload["documents"]) for index in reply.scores):
        raise bad_reply("the ranking names a document that was not sent")
    if ModelType.RERANK in protocol.passes and _is_as_asked(payload, body):
        return ReplyFacts(body, reply.usage)
    return ReplyFacts(orjson.dumps(_written(payload, reply)), reply.usage)


def _is_as_asked(payload: Payload, body: bytes) -> bool:
    """Whether the reply has the shape of both APIs, no more results than asked for, and the
    documents where they were asked for."""
    reply = orjson.loads(body)
    results = reply.get("results") if isinstance(reply, dict) else None
    if not isinstance(results, list) or len(results) > _wanted(payload):
        return False
    names = (
        {"relevance_score", "document"} if payload.get("return_documents") else {"relevance_score"}
    )
    return all(names <= result.keys() for result in results)


def _wanted(payload: Payload) -> int:
    top_n = payload.get("top_n")
    return len(payload["documents"]) if top_n is None else int(top_n)


def _written(payload: Payload, reply: RerankReply) -> dict[str, Any]:
    """The best first. Cohere's clients need no more than `results`, Jina's `model` and `usage`."""
    best = sorted(reply.scores.items(), key=lambda item: (-item[1], item[0]))
    results = [_result(payload, *scored) for scored in best[: _wanted(payload)]]
    answer: dict[str, Any] = {"model": payload.get("model"), "results": results}
    if reply.usage is not None:
        answer["usage"] = {"total_tokens": reply.usage.total_tokens}
    return answer


def _result(payload: Payload, index: int, score: float) -> dict[str, Any]:
    result: dict[str, Any] = {"index": index, "relevance_score": score}
    if payload.get("return_documents"):
        document = payload["documents"][index]
        result["document"] = {"text": document} if isinstance(document, str) else document
    return result


def _estimate(payload: Payload, text: str) -> Usage:
    documents = payload["documents"]
    texts = [payload["query"], *(d.get("text") if isinstance(d, dict) else d for d in documents)]
    return Usage(sum(count_tokens(text) for text in texts if isinstance(text, str)))


class _Rerank(Endpoint):
    def check(self, payload: Payload) -> None:
        super().check(payload)
        if not isinstance(payload["documents"], list):
            raise BadRequest("documents is not a list.", param="documents")
        top_n = payload.get("top_n")
        if top_n is not None and (type(top_n) is not int or top_n < 1):
            raise BadRequest("top_n is not a whole number from 1 on.", param="top_n")


RERANK = _Rerank(
    ModelType.RERANK, "query", _request, _read, also_required=("documents",), estimate=_estimate
)
