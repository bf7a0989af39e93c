"""Gemini's own API, as Google AI Studio and Vertex serve it.

https://ai.google.dev/api/generate-content
"""

from providers.protocols.gemini.protocol import Gemini

__all__ = ["Gemini"]
