"""The kinds of work a model can do. Every table, protocol and endpoint speaks of these."""

from enum import StrEnum


class ModelType(StrEnum):
    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    IMAGE2TEXT = "image2text"
    SPEECH2TEXT = "speech2text"
    TTS = "tts"
    IMAGE = "image"
    MODERATION = "moderation"
