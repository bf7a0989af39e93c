import json
from typing import Any

import pytest

from llmhub.base.errors import InvalidRequest, NotSupported
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.protocols.failures import ProviderError
from providers.protocols.usage import Usage
from providers.protocols.vertex import Vertex
from providers.protocols.wire import ListedModel, PagedList, Target, TokenSource

VERTEX = Vertex()
TOKEN = Secret("ya29.token")


def target(region: str = "us-central1", base_url: str = "", **fields: Any) -> Target:
    credentials = {
        "google_project_id": "my-project-123",
        "google_region": region,
        "access_token": TOKEN,
        **fields,
    }
    return Target(base_url, credentials)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_each_region_has_its_host(region: str, host: str) -> None:
    request = VERTEX.chat_request(target(region), {"messages": []}, model="gemini-2.5-pro")
    path = f"/v1/projects/my-project-123/locations/{region}/publishers/google/models/gemini-2.5-pro"
    assert request.url == f"https://{host}{path}:generateContent"
    assert request.headers == {
        "content-type": "application/json",
        "authorization": Secret("Bearer ya29.token"),
    }


@pytest.mark.parametrize("model", ["gemini-2.5-pro", "google/gemini-2.5-pro"])
def test_an_address_of_the_targets_own_comes_first(model: str) -> None:
    payload = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
    of = target(base_url="https://proxy.example.com/v1")
    request = VERTEX.chat_request(of, payload, model=model)
    path = "projects/my-project-123/locations/us-central1/publishers/google/models/gemini-2.5-pro"
    assert request.url == f"https://proxy.example.com/v1/{path}:streamGenerateContent?alt=sse"
    assert json.loads(request.body) == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def test_a_model_of_another_publisher_is_refused_in_words() -> None:
    for model in ("claude-sonnet-4-5@20250929", "meta/llama-4-maverick"):
        with pytest.raises(NotSupported, match="Google's own"):
            VERTEX.chat_request(target(), {"messages": []}, model=model)


def test_without_a_project_nothing_is_sent() -> None:
    with pytest.raises(InvalidRequest, match="google_project_id"):
        VERTEX.chat_request(target(google_project_id=""), {"messages": []}, model="gemini-2.5-pro")


def test_the_older_embeddings_are_predictions() -> None:
    payload = {"input": ["a", "b"], "dimensions": 8, "task_type": "RETRIEVAL_QUERY"}
    request = VERTEX.embedding_request(target(), payload, model="text-embedding-005")
    assert request.url.endswith("/publishers/google/models/text-embedding-005:predict")
    assert json.loads(request.body) == {
        "instances": [{"content": text, "task_type": "RETRIEVAL_QUERY"} for text in "ab"],
        "parameters": {"outputDimensionality": 8},
    }
    statistics = [{"token_count": 3, "truncated": False}, {"token_count": 4, "truncated": False}]
    predictions = [
        {"embeddings": {"values": [0.5, place], "statistics": told}}
        for place, told in enumerate(statistics)
    ]
    reply = VERTEX.embedding_reply(json.dumps({"predictions": predictions}).encode())
    assert reply.vectors == ([0.5, 0], [0.5, 1])
    assert reply.usage == Usage(7)


def test_the_newer_embeddings_are_made_one_at_a_time() -> None:
    payload = {"input": "a", "dimensions": 8}
    request = VERTEX.embedding_request(target(), payload, model="gemini-embedding-2")
    assert request.url.endswith("/publishers/google/models/gemini-embedding-2:embedContent")
    assert json.loads(request.body) == {
        "content": {"parts": [{"text": "a"}]},
        "embedContentConfig": {"outputDimensionality": 8},
    }
    body = {"embedding": {"values": [1, 2]}, "usageMetadata": {"promptTokenCount": 1}}
    reply = VERTEX.embedding_reply(json.dumps(body).encode())
    assert (reply.vectors, reply.usage) == (([1, 2],), Usage(1))
    with pytest.raises(InvalidRequest, match="one text a request"):
        VERTEX.embedding_request(target(), {"input": ["a", "b"]}, model="gemini-embedding-2")


@pytest.mark.parametrize("body", [b"{}", b'{"predictions": [3]}', b'{"predictions": []}'])
def test_what_is_no_vector_is_no_embedding(body: bytes) -> None:
    with pytest.raises(ProviderError):
        VERTEX.embedding_reply(body)


def test_the_garden_is_listed_publisher_by_publisher() -> None:
    first = VERTEX.models_request(target())
    host = "https://us-central1-aiplatform.googleapis.com"
    assert first.url == f"{host}/v1beta1/publishers/google/models?pageSize=100"
    assert first.headers["x-goog-user-project"] == "my-project-123"
    names = (
        "gemini-2.5-pro",
        "text-embedding-005",
        "imagen-4.0-generate-001",
        "gemini-2.5-pro-tts",
    )
    body = json.dumps(
        {
            "publisherModels": [{"name": f"publishers/google/models/{name}"} for name in names],
            "nextPageToken": "two",
        }
    ).encode()
    assert VERTEX.models_reply(body) == [
        ListedModel(names[0], frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT})),
        ListedModel(names[1], frozenset({ModelType.EMBEDDING})),
        ListedModel(names[2], frozenset()),
        ListedModel(names[3], frozenset()),
    ]
    second = VERTEX.models_next(target(), body)
    assert second is not None
    assert second.url == f"{first.url}&pageToken=two"
    third = VERTEX.models_next(target(), body.replace(b"nextPageToken", b"x"))
    assert third is not None
    assert third.url == f"{host}/v1beta1/publishers/anthropic/models?pageSize=100"
    claude = b'{"publisherModels": [{"name": "publishers/anthropic/models/claude-sonnet-4-5"}]}'
    assert VERTEX.models_next(target(), claude) is None
    assert VERTEX.models_next(target(), b"{}") is None


def test_it_says_that_it_wants_a_token_first() -> None:
    assert isinstance(VERTEX, TokenSource)
    assert isinstance(VERTEX, PagedList)
