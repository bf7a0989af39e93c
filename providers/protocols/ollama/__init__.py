"""Ollama's own API. https://docs.ollama.com/api"""

from providers.protocols.ollama.protocol import Ollama

__all__ = ["Ollama"]
