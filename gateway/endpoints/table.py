"""Which path is which call."""

from collections.abc import Mapping

from gateway.endpoints.embedding import EMBEDDINGS
from gateway.endpoints.endpoint import Endpoint
from gateway.endpoints.text import CHAT

ENDPOINTS: Mapping[str, Endpoint] = {
    "/v1/chat/completions": CHAT,
    "/v1/embeddings": EMBEDDINGS,
}
