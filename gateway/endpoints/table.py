"""Which path is which call."""

from collections.abc import Mapping

from gateway.endpoints.embedding import EMBEDDINGS
from gateway.endpoints.endpoint import Endpoint
from gateway.endpoints.text import CHAT, COMPLETIONS, MESSAGES, RESPONSES

ENDPOINTS: Mapping[str, Endpoint] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETIONS,
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
    "/v1/embeddings": EMBEDDINGS,
}
