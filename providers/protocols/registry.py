"""The protocols that the hub speaks: a closed table. A name from outside is looked up, and never
imported, evaluated or instantiated."""

from collections.abc import Mapping
from types import MappingProxyType

from llmhub.base.model_types import ModelType
from providers.protocols.azure_openai import AzureOpenAI
from providers.protocols.bedrock import Bedrock
from providers.protocols.cohere import Cohere
from providers.protocols.gemini import Gemini
from providers.protocols.ollama import Ollama
from providers.protocols.openai import OpenAI
from providers.protocols.vertex import Vertex
from providers.protocols.wire import WireProtocol

PROTOCOLS: Mapping[str, WireProtocol] = MappingProxyType(
    {
        "azure-openai": AzureOpenAI(),
        "bedrock": Bedrock(),
        "cohere": Cohere(),
        "gemini": Gemini(),
        "ollama": Ollama(),
        "openai": OpenAI(),
        "vertex": Vertex(),
    }
)


def protocol_find(name: str) -> WireProtocol | None:
    """The protocol of that name, or None: the catalog may name one that is not built yet."""
    return PROTOCOLS.get(name)


def protocol_serves(name: str, model_type: ModelType) -> bool:
    """If not, callers say `Chat model from X is not supported yet.`"""
    protocol = protocol_find(name)
    return protocol is not None and model_type in protocol.serves
