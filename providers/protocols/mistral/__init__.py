"""Mistral's API: OpenAI's with differences, and document reading of its own.

https://docs.mistral.ai/api
"""

from providers.protocols.mistral.protocol import Mistral

__all__ = ["Mistral"]
