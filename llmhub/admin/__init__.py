"""The operator's console: one module per subject, registered on the operator's site."""

from llmhub.admin import factories, llms, prices

__all__ = ["factories", "llms", "prices"]
