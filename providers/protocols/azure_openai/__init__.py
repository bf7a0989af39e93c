"""OpenAI's API as Azure serves it: the same bodies behind other addresses and another key header.

https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from providers.protocols.azure_openai.protocol import AzureOpenAI

__all__ = ["AzureOpenAI"]
