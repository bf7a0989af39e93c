"""The protocols that the hub speaks: a closed table. A name from outside is looked up, and never
imported, evaluated or instantiated."""

from collections.abc import Mapping
from types import MappingProxyType

from llmhub.base.model_types import ModelType
from providers.protocols.anthropic import Anthropic
from providers.protocols.ark import Ark
from providers.protocols.azure_openai import AzureOpenAI
from providers.protocols.bedrock import Bedrock
from providers.protocols.cohere import Cohere
from providers.protocols.dashscope import DashScope
from providers.protocols.deepgram import Deepgram
from providers.protocols.fish_audio import FishAudio
from providers.protocols.gemini import Gemini
from providers.protocols.huggingface import HuggingFace
from providers.protocols.jina import Jina
from providers.protocols.mineru import MinerU
from providers.protocols.minimax import MiniMax
from providers.protocols.mistral import Mistral
from providers.protocols.nvidia import NVIDIA
from providers.protocols.ollama import Ollama
from providers.protocols.openai import OpenAI
from providers.protocols.paddleocr import PaddleOCR
from providers.protocols.perplexity import Perplexity
from providers.protocols.qianfan import Qianfan
from providers.protocols.replicate import Replicate
from providers.protocols.tei import TEI
from providers.protocols.tencent_speech import TencentSpeech
from providers.protocols.vertex import Vertex
from providers.protocols.voyage import Voyage
from providers.protocols.wire import WireProtocol
from providers.protocols.xunfei_spark import XunFeiSpark

PROTOCOLS: Mapping[str, WireProtocol] = MappingProxyType(
    {
        "anthropic": Anthropic(),
        "ark": Ark(),
        "azure-openai": AzureOpenAI(),
        "bedrock": Bedrock(),
        "cohere": Cohere(),
        "dashscope": DashScope(),
        "deepgram": Deepgram(),
        "fish-audio": FishAudio(),
        "gemini": Gemini(),
        "huggingface": HuggingFace(),
        "jina": Jina(),
        "mineru": MinerU(),
        "minimax": MiniMax(),
        "mistral": Mistral(),
        "nvidia": NVIDIA(),
        "ollama": Ollama(),
        "openai": OpenAI(),
        "paddleocr": PaddleOCR(),
        "perplexity": Perplexity(),
        "qianfan": Qianfan(),
        "replicate": Replicate(),
        "tei": TEI(),
        "tencent-speech": TencentSpeech(),
        "vertex": Vertex(),
        "voyage": Voyage(),
        "xunfei-spark": XunFeiSpark(),
    }
)


def protocol_find(name: str) -> WireProtocol | None:
    """The protocol of that name, or None: the catalog may name one that is not built yet."""
    return PROTOCOLS.get(name)


def protocol_serves(name: str, model_type: ModelType) -> bool:
    """If not, callers say `Chat model from X is not supported yet.`"""
    protocol = protocol_find(name)
    return protocol is not None and model_type in protocol.serves
