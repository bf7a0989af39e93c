"""Models on Google Cloud's Vertex AI, called with a service account's key.

https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from providers.protocols.vertex.protocol import Vertex

__all__ = ["Vertex"]
