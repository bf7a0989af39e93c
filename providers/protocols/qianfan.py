"""Baidu's Qianfan, version 2: OpenAI's API behind a token that an access key is exchanged for.

https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb; the signature is that of
https://cloud.baidu.com/doc/Reference/s/njwvz1yfu.
"""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from llmhub.base.errors import InvalidRequest
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.protocols.failures import ProviderError, bad_reply
from providers.protocols.inputs import documents_of, query_of, rerank_fields
from providers.protocols.json_calls import json_post
from providers.protocols.openai.errors import failure_classify
from providers.protocols.openai.kin import OpenAIKin
from providers.protocols.openai.replies import reply_json
from providers.protocols.wire import (
    Dialect,
    Grant,
    Headers,
    Payload,
    ProviderFailure,
    ProviderRequest,
    Target,
)

_IAM = "iam.bj.baidubce.com"
_PATH = "/v1/BCE-BEARER/token"
_LIFETIME_S = 86_400
_SIGNATURE_S = 1_800
_API_KEY = "bce-v3/"
"""What a key begins with that needs no exchange."""


class Qianfan(OpenAIKin):
    """Credentials: `yiyan_ak` and `yiyan_sk`; or an API key of Qianfan as `yiyan_ak`."""

    name = "qianfan"
    serves = frozenset(
        {ModelType.CHAT, ModelType.EMBEDDING, ModelType.RERANK, ModelType.IMAGE2TEXT}
    )
    passes = frozenset({ModelType.EMBEDDING, ModelType.RERANK})
    version_path = "/v2"

    def token_request(self, target: Target) -> ProviderRequest | None:
        if _revealed(target, "yiyan_ak").startswith(_API_KEY):
            return None
        query = f"expireInSeconds={_LIFETIME_S}"
        headers = {"authorization": _signature(target, query)}
        return ProviderRequest("GET", f"https://{_IAM}{_PATH}?{query}", headers)

    def token_reply(self, body: bytes) -> Grant:
        reply = reply_json(body)
        token = reply.get("token") if isinstance(reply, dict) else None
        if not isinstance(token, str) or not token:
            if isinstance(reply, dict) and reply.get("code"):
                raise ProviderError(failure_classify(401, {}, body))
            raise bad_reply("the reply grants no token")
        return Grant({"api_key": Secret(token)}, _LIFETIME_S)

    def token_failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        return failure_classify(status, headers, body)

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        return super().chat_request(_keyed(target), payload, model=model, dialect=dialect)

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        """Qianfan takes a list of texts, and no other form."""
        given = payload.get("input")
        asked = {**payload, "input": [given] if isinstance(given, str) else given}
        return super().embedding_request(_keyed(target), asked, model=model)

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        fields, left_out = rerank_fields(payload, {"top_n": "top_n"})
        asked = {"model": model, "query": query_of(payload), "documents": documents_of(payload)}
        url = f"{target.base_url}/rerank"
        return json_post(_keyed(target), url, {**asked, **fields}, left_out)

    def models_request(self, target: Target) -> ProviderRequest:
        return super().models_request(_keyed(target))


def _keyed(target: Target) -> Target:
    """With the token that was granted, or the key that needs none."""
    if target.credentials.get("api_key"):
        return target
    key = Secret(_revealed(target, "yiyan_ak"))
    return replace(target, credentials={**target.credentials, "api_key": key})


def _revealed(target: Target, name: str) -> str:
    value = target.credentials.get(name) or ""
    return value.reveal() if isinstance(value, Secret) else value


def _signature(target: Target, query: str, at: datetime | None = None) -> Secret:
    """Good for half an hour from `at`."""
    access, secret = _revealed(target, "yiyan_ak"), _revealed(target, "yiyan_sk")
    if not access or not secret:
        message = "Baidu wants an access key and its secret key, or an API key of Qianfan."
        raise InvalidRequest(message, field="yiyan_sk")
    moment = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    prefix = f"bce-auth-v1/{access}/{moment}/{_SIGNATURE_S}"
    text = "\n".join(("GET", quote(_PATH), query, f"host:{_IAM}"))
    return Secret(f"{prefix}/host/{_hmac(_hmac(secret, prefix), text)}")


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
