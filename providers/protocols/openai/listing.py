"""What `GET /models` lists, and what kind of model each one is.

OpenAI gives names alone; compatible servers add types and context sizes under names of their own.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from llmhub.base.model_types import ModelType
from providers.protocols.failures import bad_reply
from providers.protocols.openai.replies import reply_json, reply_object
from providers.protocols.wire import ListedModel

MAX_MODELS = 10_000
MAX_NAME_LENGTH = 200
MAX_CONTEXT_TOKENS = 100_000_000

# By name, first match wins; None: a kind that the hub does not serve (guards, video, ...).
_BY_NAME: tuple[tuple[re.Pattern[str], ModelType | None], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), model_type)
    for pattern, model_type in (
        (r"rerank|cross-?encoder", ModelType.RERANK),
        (r"moderation", ModelType.MODERATION),
        (r"guard\b|shield", None),
        (r"whisper|transcrib|speech-?to-?text|\basr\b|sensevoice", ModelType.SPEECH2TEXT),
        (r"paraformer|voxtral", ModelType.SPEECH2TEXT),
        (r"\btts\b|text-?to-?speech|kokoro|cosyvoice|orpheus|fish-speech", ModelType.TTS),
        (r"embed|\bbge[-_]|\be5-|\bgte[-_]|minilm|\bm3e\b", ModelType.EMBEDDING),
        (r"jina-clip|nomic", ModelType.EMBEDDING),
        (r"dall-?e|gpt-image|stable-?diffusion|\bsdxl\b|\bflux\b|imagen", ModelType.IMAGE),
        (r"\bsora|\bveo\b|realtime|computer-use", None),
        (r"^(?:babbage|davinci|curie|ada)\b", None),
    )
)
_SEES = re.compile(
    r"gpt-4o(?!-(?:audio|search))|gpt-4\.\d|gpt-4-turbo|gpt-[5-9]"
    r"|\bo[134](?!-(?:mini|preview))\b|o4-mini|vision|vl\b|[-_]vl[-_]|vlm\b"
    r"|llava|pixtral|minicpm-v|moondream|gemini|gemma-?3(?!.*\b(?:270m|1b)\b)"
    r"|claude|llama-?4|grok-4|qvq|molmo",
    re.IGNORECASE,
)
_TYPE_WORDS = {
    "embedding": ModelType.EMBEDDING,
    "embeddings": ModelType.EMBEDDING,
    "rerank": ModelType.RERANK,
    "reranker": ModelType.RERANK,
    "score": ModelType.RERANK,
    "chat": ModelType.CHAT,
    "llm": ModelType.CHAT,
    "language": ModelType.CHAT,
    "vlm": ModelType.IMAGE2TEXT,
    "transcribe": ModelType.SPEECH2TEXT,
    "transcription": ModelType.SPEECH2TEXT,
    "stt": ModelType.SPEECH2TEXT,
    "tts": ModelType.TTS,
    "image": ModelType.IMAGE,
    "moderation": ModelType.MODERATION,
}
_CONTEXT_NAMES = (
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "max_input_tokens",
    "context_size",
    "n_ctx",
    "n_ctx_train",
)


def models_parse(body: bytes) -> list[ListedModel]:
    """`{"data": [...]}`, or a bare list as Together gives it; what has no name is left out."""
    reply = reply_json(body)
    items = reply if isinstance(reply, list) else reply_object(body).get("data")
    if not isinstance(items, list):
        raise bad_reply("the reply does not list models")
    models = {model.llm_name: model for model in map(_model, items[:MAX_MODELS]) if model}
    return list(models.values())


def model_types_of(llm_name: str) -> frozenset[ModelType]:
    """The types that a name suggests; none for kinds that the hub does not serve."""
    last = llm_name.rsplit("/", 1)[-1]
    for pattern, model_type in _BY_NAME:
        if pattern.search(last):
            return frozenset({model_type} if model_type else ())
    if _SEES.search(last):
        return frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT})
    return frozenset({ModelType.CHAT})


def _model(item: Any) -> ListedModel | None:
    if not isinstance(item, Mapping):
        return None
    name = item.get("id") or item.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        return None
    return ListedModel(name, _types(name, item), _context_tokens(item))


def _types(name: str, item: Mapping[str, Any]) -> frozenset[ModelType]:
    told = _told_types(item)
    if told == {ModelType.CHAT} or told == {ModelType.IMAGE2TEXT}:
        sees = ModelType.IMAGE2TEXT in told or _SEES.search(name) or "image" in _modalities(item)
        return frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT} if sees else {ModelType.CHAT})
    if told:
        return told
    by_name = model_types_of(name)
    sees = by_name == {ModelType.CHAT} and "image" in _modalities(item)
    return by_name | {ModelType.IMAGE2TEXT} if sees else by_name


def _told_types(item: Mapping[str, Any]) -> frozenset[ModelType]:
    """From `type` (Together, LM Studio, DeepInfra) or `task` (vLLM's kin)."""
    words = (item.get(name) for name in ("type", "task", "model_type"))
    return frozenset(
        _TYPE_WORDS[word.lower()]
        for word in words
        if isinstance(word, str) and word.lower() in _TYPE_WORDS
    )


def _modalities(item: Mapping[str, Any]) -> Iterable[str]:
    """OpenRouter's `architecture.input_modalities`, Mistral's `capabilities.vision`."""
    architecture, capabilities = item.get("architecture"), item.get("capabilities")
    if isinstance(capabilities, Mapping) and capabilities.get("vision"):
        return ("image",)
    found = architecture.get("input_modalities") if isinstance(architecture, Mapping) else None
    return found if isinstance(found, list) else ()


def _context_tokens(item: Mapping[str, Any]) -> int | None:
    meta = item.get("meta")
    for source in (item, meta if isinstance(meta, Mapping) else {}):
        for name in _CONTEXT_NAMES:
            value = source.get(name)
            if type(value) is int and 0 < value <= MAX_CONTEXT_TOKENS:
                return value
    return None
