"""Bedrock as a WireProtocol: which request goes where, and who reads its reply."""

from typing import Any
from urllib.parse import quote

from llmhub.base.errors import NotSupported
from llmhub.base.model_types import ModelType
from providers.protocols.bedrock import invocations, replies
from providers.protocols.bedrock.access import (
    request_make,
    role_grant,
    role_request,
    service_url,
)
from providers.protocols.bedrock.errors import failure_of_reply
from providers.protocols.bedrock.listing import MODELS, following, models_parse
from providers.protocols.bedrock.request import chat_body
from providers.protocols.bedrock.stream import BedrockChunkReader
from providers.protocols.openai.replies import rerank_parse
from providers.protocols.unserved import Unserved
from providers.protocols.usage import UsageReport
from providers.protocols.wire import (
    ChatReply,
    Dialect,
    EmbeddingReply,
    Grant,
    Headers,
    ListedModel,
    Payload,
    ProviderFailure,
    ProviderRequest,
    RerankReply,
    StreamReader,
    Target,
    Usage,
)


class Bedrock(Unserved):
    """Credentials: `bedrock_region`, and `bedrock_ak` with `bedrock_sk` (`bedrock_session_token`,
    `aws_role_arn`, `aws_external_id`) or `bedrock_api_key`."""

    name = "bedrock"
    serves = frozenset(
        {ModelType.CHAT, ModelType.EMBEDDING, ModelType.IMAGE2TEXT, ModelType.RERANK}
    )
    passes: frozenset[ModelType] = frozenset()
    version_path = ""

    def speaks(self, target: Target) -> frozenset[Dialect]:
        return frozenset()

    def token_request(self, target: Target) -> ProviderRequest | None:
        return role_request(target)

    def token_reply(self, body: bytes) -> Grant:
        return role_grant(body)

    def token_failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        return failure_of_reply(status, headers, body)

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        body, left_out = chat_body(payload, model)
        method = "converse-stream" if payload.get("stream") else "converse"
        return _post(target, model, method, body, left_out)

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        return _post(target, model, "invoke", *invocations.embedding_body(payload, model))

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        return _post(target, model, "invoke", *invocations.rerank_body(payload, model))

    def models_request(self, target: Target) -> ProviderRequest:
        return request_make(target, "GET", service_url(target, "bedrock") + MODELS)

    def models_next(self, target: Target, body: bytes) -> ProviderRequest | None:
        path = following(body)
        if path is None:
            return None
        return request_make(target, "GET", service_url(target, "bedrock") + path)

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        return replies.chat_parse(body)

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        return invocations.embedding_parse(body)

    def rerank_reply(self, body: bytes) -> RerankReply:
        return rerank_parse(body)

    def models_reply(self, body: bytes) -> list[ListedModel]:
        return models_parse(body)

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        return replies.usage_parse(reply)

    def usage_of(self, reply: bytes | dict[str, Any]) -> Usage | None:
        return replies.usage_parse(reply).usage

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        return failure_of_reply(status, headers, body)

    def stream_reader(self, dialect: Dialect, *, hide_usage: bool) -> StreamReader:
        raise NotSupported("Bedrock speaks no dialect of a caller.")

    def chunk_reader(self) -> BedrockChunkReader:
        return BedrockChunkReader()


def _post(
    target: Target, model: str, method: str, body: dict[str, Any], left_out: tuple[str, ...]
) -> ProviderRequest:
    """The model is a model's, a profile's or a deployment's id, or one of their ARNs."""
    url = f"{service_url(target, 'bedrock-runtime')}/model/{quote(model, safe='')}/{method}"
    return request_make(target, "POST", url, body, left_out)
