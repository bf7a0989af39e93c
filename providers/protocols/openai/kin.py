"""OpenAI's API with fewer kinds of work, and differences in what is asked."""

from llmhub.base.errors import NotSupported
from llmhub.base.model_types import ModelType
from providers.protocols.openai.protocol import OpenAI
from providers.protocols.wire import AudioFile, Dialect, Payload, ProviderRequest, Target

_WORDS = {
    ModelType.CHAT: "chat",
    ModelType.EMBEDDING: "embeddings",
    ModelType.RERANK: "reranking",
    ModelType.TTS: "speech",
    ModelType.SPEECH2TEXT: "transcription",
    ModelType.IMAGE: "pictures",
    ModelType.MODERATION: "moderation",
}


class OpenAIKin(OpenAI):
    """For a protocol to inherit that speaks OpenAI's API for the types in `serves` alone: the
    others are refused with NotSupported. Callers of another dialect than chat are translated."""

    def speaks(self, target: Target) -> frozenset[Dialect]:
        return frozenset({Dialect.CHAT})

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        self._require(ModelType.CHAT)
        return super().chat_request(target, payload, model=model, dialect=dialect)

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        self._require(ModelType.EMBEDDING)
        return super().embedding_request(target, payload, model=model)

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        self._require(ModelType.RERANK)
        return super().rerank_request(target, payload, model=model)

    def speech_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        self._require(ModelType.TTS)
        return super().speech_request(target, payload, model=model)

    def transcription_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        self._require(ModelType.SPEECH2TEXT)
        return super().transcription_request(target, payload, audio, model=model)

    def translation_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        self._require(ModelType.SPEECH2TEXT)
        return super().translation_request(target, payload, audio, model=model)

    def image_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        self._require(ModelType.IMAGE)
        return super().image_request(target, payload, model=model)

    def moderation_request(
        self, target: Target, payload: Payload, *, model: str
    ) -> ProviderRequest:
        self._require(ModelType.MODERATION)
        return super().moderation_request(target, payload, model=model)

    def _require(self, model_type: ModelType) -> None:
        if model_type not in self.serves:
            raise NotSupported(f"There is no {_WORDS[model_type]} over {self.name}.")
