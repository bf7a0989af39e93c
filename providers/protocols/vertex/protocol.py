"""Vertex as a WireProtocol: Gemini's requests and replies under a project's addresses."""

from typing import Any
from urllib.parse import quote

import orjson

from llmhub.base.errors import NotSupported
from llmhub.base.secret import Secret
from providers.protocols.gemini.protocol import Gemini
from providers.protocols.gemini.request import chat_body
from providers.protocols.vertex import embeddings
from providers.protocols.vertex.address import listing_url, model_url
from providers.protocols.vertex.listing import PUBLISHERS, following, models_parse
from providers.protocols.vertex.service_account import (
    GRANTED,
    grant_failure_of,
    grant_of,
    token_request_of,
)
from providers.protocols.wire import (
    Dialect,
    EmbeddingReply,
    Grant,
    Headers,
    ListedModel,
    Payload,
    ProviderFailure,
    ProviderRequest,
    Target,
)


class Vertex(Gemini):
    """Credentials: `google_project_id`, `google_region`, `google_service_account_key`."""

    name = "vertex"
    version_path = "/v1"

    def token_request(self, target: Target) -> ProviderRequest:
        return token_request_of(target)

    def token_reply(self, body: bytes) -> Grant:
        return grant_of(body)

    def token_failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        return grant_failure_of(status, headers, body)

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        name = _googles(model)
        body, left_out = chat_body(payload, name)
        method = "streamGenerateContent" if payload.get("stream") else "generateContent"
        url = model_url(target, "google", name, method)
        return _post(target, f"{url}?alt=sse" if payload.get("stream") else url, body, left_out)

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        name = _googles(model)
        method, body, left_out = embeddings.embedding_body(payload, name)
        return _post(target, model_url(target, "google", name, method), body, left_out)

    def models_request(self, target: Target) -> ProviderRequest:
        return _listing(target, PUBLISHERS[0], "")

    def models_next(self, target: Target, body: bytes) -> ProviderRequest | None:
        found = following(body)
        return None if found is None else _listing(target, *found)

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        return embeddings.embedding_parse(body)

    def models_reply(self, body: bytes) -> list[ListedModel]:
        return models_parse(body)


def _googles(model: str) -> str:
    """A model of Google's own, whose name may begin with its publisher's."""
    name = model.removeprefix("publishers/").removeprefix("google/").removeprefix("models/")
    if "/" in name or name.startswith("claude"):
        raise NotSupported(f"{model}: of the models on Vertex, Google's own are supported so far.")
    return name


def _listing(target: Target, publisher: str, token: str) -> ProviderRequest:
    page = f"&pageToken={quote(token, safe='')}" if token else ""
    # The list belongs to no project, so the one that pays for the request is named.
    project = str(target.credentials.get("google_project_id") or "")
    headers = {**_authorization(target), "x-goog-user-project": project}
    return ProviderRequest("GET", listing_url(target, publisher) + page, headers)


def _post(target: Target, url: str, body: Any, left_out: tuple[str, ...]) -> ProviderRequest:
    headers = {"content-type": "application/json", **_authorization(target)}
    return ProviderRequest("POST", url, headers, orjson.dumps(body), left_out)


def _authorization(target: Target) -> dict[str, str | Secret]:
    token = target.credentials.get(GRANTED)
    return {"authorization": token.prefixed("Bearer ")} if isinstance(token, Secret) else {}
