import json
from typing import Any

import pytest

from llmhub.base.model_types import ModelType
from providers.protocols.failures import ProviderError
from providers.protocols.openai.listing import model_types_of, models_parse
from providers.protocols.wire import ListedModel

CHAT = {ModelType.CHAT}
SEES = {ModelType.CHAT, ModelType.IMAGE2TEXT}


def _list(*items: Any) -> list[ListedModel]:
    return models_parse(json.dumps({"object": "list", "data": items}).encode())


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("gpt-3.5-turbo", CHAT),
        ("gpt-4o", SEES),
        ("gpt-4o-mini", SEES),
        ("o1", SEES),
        ("o3-mini", CHAT),
        ("SmolLM2-135M-Instruct", CHAT),
        ("Qwen/Qwen2.5-VL-7B-Instruct", SEES),
        ("google/gemma-3-1b-it", CHAT),
        ("google/gemma-3-12b-it", SEES),
        ("text-embedding-3-small", {ModelType.EMBEDDING}),
        ("BAAI/bge-m3", {ModelType.EMBEDDING}),
        ("BAAI/bge-reranker-v2-m3", {ModelType.RERANK}),
        ("whisper-1", {ModelType.SPEECH2TEXT}),
        ("gpt-4o-transcribe", {ModelType.SPEECH2TEXT}),
        ("tts-1-hd", {ModelType.TTS}),
        ("gpt-4o-mini-tts", {ModelType.TTS}),
        ("dall-e-3", {ModelType.IMAGE}),
        ("gpt-image-1", {ModelType.IMAGE}),
        ("omni-moderation-latest", {ModelType.MODERATION}),
        ("meta-llama/Llama-Guard-3-8B", set()),
        ("gpt-4o-realtime-preview", set()),
    ],
)
def test_a_name_tells_the_types(name: str, types: set[ModelType]) -> None:
    assert model_types_of(name) == types


@pytest.mark.parametrize(
    ("item", "types", "context"),
    [
        ({"id": "a", "max_model_len": 4096}, CHAT, 4096),
        ({"id": "a", "meta": {"n_ctx_train": 8192}}, CHAT, 8192),
        ({"id": "a", "context_length": 128_000, "type": "chat"}, CHAT, 128_000),
        ({"id": "a", "type": "embedding"}, {ModelType.EMBEDDING}, None),
        ({"id": "a", "type": "rerank"}, {ModelType.RERANK}, None),
        ({"id": "a", "type": "vlm", "max_context_length": 9}, SEES, 9),
        ({"id": "a", "architecture": {"input_modalities": ["text", "image"]}}, SEES, None),
        ({"id": "a", "capabilities": {"vision": True}}, SEES, None),
        ({"id": "bge-m3", "capabilities": {"vision": True}}, {ModelType.EMBEDDING}, None),
        ({"id": "a", "context_length": -1, "type": 5, "meta": "x"}, CHAT, None),
        ({"id": "a", "context_length": 10**30}, CHAT, None),
    ],
)  # fmt: skip
def test_what_the_server_tells_goes_before_the_name(
    item: dict[str, Any], types: set[ModelType], context: int | None
) -> None:
    assert _list(item) == [ListedModel(item["id"], frozenset(types), context)]


def test_entries_that_cannot_be_used_are_left_out() -> None:
    odd = [{}, {"id": 5}, {"id": ""}, {"id": "x\r\ny"}, {"id": "x" * 500}, "name", None]
    assert [model.llm_name for model in _list(*odd, {"id": "good"}, {"id": "good"})] == ["good"]


def test_a_bare_list_is_a_list_too() -> None:
    assert [m.llm_name for m in models_parse(b'[{"id": "a"}]')] == ["a"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"data": {}}', b"7"])
def test_another_shape_lists_nothing_and_says_so(body: bytes) -> None:
    with pytest.raises(ProviderError):
        models_parse(body)


def test_an_empty_list_is_a_list() -> None:
    assert _list() == []
