"""What a protocol inherits for the kinds of work that its API does not do.

Nothing calls these: the types are not in `serves`, and calls are refused for that already.
"""

from typing import NoReturn

from llmhub.base.errors import NotSupported
from providers.protocols.wire import (
    AudioFile,
    EmbeddingReply,
    Headers,
    Payload,
    ProviderRequest,
    RerankReply,
    Target,
)


class Unserved:
    """For a WireProtocol to inherit: every kind of work but chat is refused with NotSupported."""

    name: str

    def embedding_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        self._refuse("embeddings")

    def rerank_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        self._refuse("reranking")

    def speech_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest:
        self._refuse("speech")

    def transcription_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest:
        self._refuse("transcription")

    def embedding_reply(self, body: bytes) -> EmbeddingReply:
        self._refuse("embeddings")

    def rerank_reply(self, body: bytes) -> RerankReply:
        self._refuse("reranking")

    def speech_reply(self, headers: Headers, body: bytes) -> bytes:
        self._refuse("speech")

    def transcription_reply(self, body: bytes) -> str:
        self._refuse("transcription")

    def _refuse(self, what: str) -> NoReturn:
        raise NotSupported(f"There is no {what} over {self.name}.")
