"""OpenAI's API, which most providers and local servers speak.

https://platform.openai.com/docs/api-reference; reranking in the shape of Jina and Cohere, as vLLM,
LocalAI and llama.cpp serve it.
"""

from providers.protocols.openai.protocol import OpenAI
from providers.protocols.openai.stream import OpenAIStreamReader

__all__ = ["OpenAI", "OpenAIStreamReader"]
