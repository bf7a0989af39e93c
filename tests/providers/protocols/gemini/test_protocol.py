import json
from typing import Any

import pytest

from llmhub.base.errors import InvalidRequest, NotSupported
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.protocols.failures import ProviderError
from providers.protocols.gemini import Gemini
from providers.protocols.usage import Usage
from providers.protocols.wire import ListedModel, Target

GEMINI = Gemini()
BASE = "https://generativelanguage.googleapis.com/v1beta"
TARGET = Target(BASE, {"api_key": Secret("AIza-key")})


def ask(model: str = "gemini-2.5-flash", **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    payload = {"messages": [{"role": "user", "content": "Hi"}], **fields}
    request = GEMINI.chat_request(TARGET, payload, model=model)
    return json.loads(request.body), request.left_out


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0, "includeThoughts": False}),
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-pro", "xhigh", {"thinkingBudget": 24576, "includeThoughts": True}),
        (
            "gemini-3-flash-preview",
            "minimal",
            {"thinkingLevel": "minimal", "includeThoughts": True},
        ),
        ("gemini-3.1-pro-preview", "minimal", {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-3.8-flash", "high", {"thinkingLevel": "high", "includeThoughts": True}),
    ],
)
def test_the_effort_becomes_a_budget_or_a_level(
    model: str, effort: str, thinking: dict[str, Any]
) -> None:
    body, left_out = ask(model, reasoning_effort=effort)
    assert body["generationConfig"]["thinkingConfig"] == thinking
    assert left_out == ()


def test_what_has_no_word_is_named_and_what_says_nothing_is_not() -> None:
    _, left_out = ask(
        logit_bias={"1": 2},
        service_tier="auto",
        store=False,
        metadata={},
        n=1,
        prompt_cache_key="k",
        web_search_options={},
        presence_penalty=0,
        verbosity=None,
    )
    assert left_out == ("logit_bias", "prompt_cache_key", "web_search_options")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"messages": "Hi"}, "messages"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "messages\\[0\\].role"),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]}, "tool_call_id"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages\\[0\\].content"),
        ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, "smell"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image_url", "image_url": {"url": "data:image/png,raw"}}
                        ],
                    }
                ]
            },
            "data: URL in base64",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}
                ]
            },
            "file_id",
        ),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools\\[0\\]"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"functions": [{"name": "old"}]}, "use tools"),
        ({"reasoning_effort": "endless"}, "reasoning_effort"),
        ({"modalities": ["text", "audio"]}, "modalities|text alone"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        ask(**fields)


def test_other_types_are_refused_in_words() -> None:
    with pytest.raises(NotSupported, match="gemini"):
        GEMINI.rerank_request(TARGET, {}, model="m")


def test_a_tuned_model_keeps_its_collection() -> None:
    request = GEMINI.chat_request(TARGET, {"messages": []}, model="tunedModels/mine 1")
    assert request.url == f"{BASE}/tunedModels/mine%201:generateContent"


def test_embeddings_go_as_one_batch() -> None:
    payload = {"input": ["a", "b"], "dimensions": 8, "encoding_format": "base64", "user": "alice"}
    request = GEMINI.embedding_request(TARGET, payload, model="gemini-embedding-001")
    assert request.url == f"{BASE}/models/gemini-embedding-001:batchEmbedContents"
    assert request.left_out == ("user",)
    assert json.loads(request.body) == {
        "requests": [
            {
                "model": "models/gemini-embedding-001",
                "content": {"parts": [{"text": text}]},
                "outputDimensionality": 8,
            }
            for text in ("a", "b")
        ]
    }
    with pytest.raises(InvalidRequest, match="tokens"):
        GEMINI.embedding_request(TARGET, {"input": [[1, 2]]}, model="m")


def test_vectors_are_read_with_their_usage() -> None:
    told = {"embeddings": [{"values": [0.5, 1]}, {"values": [2, 3]}]}
    reply = GEMINI.embedding_reply(json.dumps(told).encode())
    assert reply.vectors == ([0.5, 1], [2, 3])
    assert reply.usage is None
    counted = {**told, "usageMetadata": {"promptTokenCount": 4}}
    assert GEMINI.embedding_reply(json.dumps(counted).encode()).usage == Usage(4)


@pytest.mark.parametrize(
    "reply",
    [{}, {"embeddings": []}, {"embeddings": [{"values": []}]}, {"embeddings": [{"values": ["1"]}]}],
)
def test_what_is_no_vector_is_no_embedding(reply: dict[str, Any]) -> None:
    with pytest.raises(ProviderError):
        GEMINI.embedding_reply(json.dumps(reply).encode())


def test_the_list_tells_types_by_what_the_models_can_do() -> None:
    listed = {
        "models": [
            {
                "name": "models/gemini-2.5-flash",
                "inputTokenLimit": 1048576,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            },
            {
                "name": "models/gemini-2.5-flash-preview-tts",
                "supportedGenerationMethods": ["generateContent"],
            },
            {
                "name": "models/gemini-embedding-001",
                "inputTokenLimit": 2048,
                "supportedGenerationMethods": ["embedContent"],
            },
            {"name": "models/imagen-4", "supportedGenerationMethods": ["predict"]},
            {"name": 4},
        ],
        "nextPageToken": "page/2",
    }
    body = json.dumps(listed).encode()
    assert GEMINI.models_reply(body) == [
        ListedModel("gemini-2.5-flash", frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT}), 1048576),
        ListedModel("gemini-2.5-flash-preview-tts", frozenset()),
        ListedModel("gemini-embedding-001", frozenset({ModelType.EMBEDDING}), 2048),
        ListedModel("imagen-4", frozenset()),
    ]
    following = GEMINI.models_next(TARGET, body)
    assert following is not None
    assert following.url == f"{BASE}/models?pageSize=1000&pageToken=page%2F2"
    assert following.headers == {"x-goog-api-key": Secret("AIza-key")}
    assert GEMINI.models_next(TARGET, b'{"models": []}') is None


@pytest.mark.parametrize(
    "told",
    [
        {"promptTokenCount": -1},
        {"promptTokenCount": 1.5},
        {"promptTokenCount": 5, "cachedContentTokenCount": 6},
        [],
    ],
)
def test_impossible_usage_is_flagged(told: Any) -> None:
    report = GEMINI.usage_report({"usageMetadata": told})
    assert report.usage is None
    assert report.is_impossible


def test_cached_audio_counts_as_cached_alone() -> None:
    told = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 10,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}],
    }
    usage = GEMINI.usage_of({"usageMetadata": told})
    assert usage == Usage(105, 10, cached_tokens=60, input_audio_tokens=20)


def test_a_call_without_an_id_gets_one() -> None:
    reply = {
        "candidates": [
            {"content": {"parts": [{"functionCall": {"name": "f"}}]}, "finishReason": "STOP"}
        ]
    }
    completion = GEMINI.chat_reply(json.dumps(reply).encode()).completion
    call = completion["choices"][0]["message"]["tool_calls"][0]
    assert call["id"].startswith("call_")
    assert call["function"] == {"name": "f", "arguments": "{}"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b'{"candidates": 3}'])
def test_what_is_no_reply_is_refused(body: bytes) -> None:
    with pytest.raises(ProviderError):
        GEMINI.chat_reply(body)
