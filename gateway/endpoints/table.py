"""Which path is which call."""

from collections.abc import Mapping

from gateway.endpoints.audio import TRANSCRIPTIONS, TRANSLATIONS
from gateway.endpoints.embedding import EMBEDDINGS
from gateway.endpoints.endpoint import Endpoint
from gateway.endpoints.images import IMAGES
from gateway.endpoints.moderation import MODERATIONS
from gateway.endpoints.rerank import RERANK
from gateway.endpoints.speech import SPEECH
from gateway.endpoints.text import CHAT, COMPLETIONS, MESSAGES, RESPONSES

ENDPOINTS: Mapping[str, Endpoint] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETIONS,
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
    "/v1/embeddings": EMBEDDINGS,
    "/v1/audio/speech": SPEECH,
    "/v1/audio/transcriptions": TRANSCRIPTIONS,
    "/v1/audio/translations": TRANSLATIONS,
    "/v1/rerank": RERANK,
    "/v2/rerank": RERANK,
    "/v1/images/generations": IMAGES,
    "/v1/moderations": MODERATIONS,
}
