"""Cohere's API, version 2: chat, embeddings, reranking and transcription.

https://docs.cohere.com/reference/about
"""

from providers.protocols.cohere.protocol import Cohere

__all__ = ["Cohere"]
