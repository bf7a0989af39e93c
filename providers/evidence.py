"""What each protocol was tested against, by the tests themselves: for `manage.py provider_matrix`.

A test holds this table to what is there: every type that a protocol serves has evidence, and every
test that is named exists and speaks of its protocol.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from llmhub.base.model_types import ModelType


class Against(StrEnum):
    """`RECORDED` is an exchange written down after the provider's public reference, not captured
    from its traffic; one of chat stands for a picture in it too. `CLIENT` is the provider's own
    client and the hub before the same scripted server, `EMULATOR` a server of somebody else's that
    plays the provider, and `REAL` a real server with a real model."""

    RECORDED = "exchanges of the reference"
    CLIENT = "official client"
    EMULATOR = "emulator"
    REAL = "real server"


@dataclass(frozen=True, slots=True)
class Evidence:
    against: Against
    model_types: frozenset[ModelType]
    test: str


_CHAT = frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT})
_ALL = frozenset(ModelType)
_RETRIEVAL = frozenset({ModelType.EMBEDDING, ModelType.RERANK})
_EXCHANGES = "tests/providers/protocols/test_exchanges.py"
_NATIVE = "tests/gateway/test_native_clients.py"


def _recorded(*model_types: ModelType, test: str = _EXCHANGES) -> Evidence:
    return Evidence(Against.RECORDED, frozenset(model_types), test)


def _client(test: str, *model_types: ModelType) -> Evidence:
    return Evidence(Against.CLIENT, frozenset(model_types), test)


EVIDENCE: Mapping[str, tuple[Evidence, ...]] = MappingProxyType(
    {
        "anthropic": (
            _recorded(*_CHAT, test="tests/providers/protocols/anthropic/test_replies.py"),
            _client("tests/gateway/test_messages.py", ModelType.CHAT),
        ),
        "ark": (_recorded(*_CHAT, ModelType.EMBEDDING, ModelType.IMAGE),),
        "azure-openai": (
            _recorded(*_ALL, test="tests/providers/protocols/azure_openai/test_protocol.py"),
            _client("tests/gateway/test_azure_clients.py", ModelType.CHAT, ModelType.EMBEDDING),
        ),
        "bedrock": (
            _recorded(*_CHAT, test="tests/providers/protocols/bedrock/test_exchanges.py"),
            _recorded(*_RETRIEVAL, test="tests/providers/protocols/bedrock/test_protocol.py"),
            _client("tests/gateway/test_bedrock_clients.py", ModelType.CHAT),
        ),
        "cohere": (
            _recorded(*_CHAT, *_RETRIEVAL, ModelType.SPEECH2TEXT),
            _client(_NATIVE, ModelType.CHAT, *_RETRIEVAL),
        ),
        "dashscope": (_recorded(*_RETRIEVAL, ModelType.SPEECH2TEXT, ModelType.TTS),),
        "deepgram": (_recorded(ModelType.SPEECH2TEXT),),
        "fish-audio": (_recorded(ModelType.TTS),),
        "gemini": (
            _recorded(*_CHAT, test="tests/providers/protocols/gemini/test_exchanges.py"),
            _recorded(
                ModelType.EMBEDDING, test="tests/providers/protocols/gemini/test_protocol.py"
            ),
            _client("tests/gateway/test_gemini_clients.py", ModelType.CHAT),
        ),
        "huggingface": (_recorded(*_RETRIEVAL),),
        "jina": (_recorded(*_RETRIEVAL),),
        "mineru": (_recorded(ModelType.IMAGE2TEXT),),
        "minimax": (_recorded(*_CHAT, ModelType.TTS),),
        "mistral": (
            _recorded(*_CHAT, ModelType.EMBEDDING, ModelType.SPEECH2TEXT),
            _client(_NATIVE, ModelType.CHAT, ModelType.EMBEDDING),
        ),
        "nvidia": (_recorded(*_RETRIEVAL),),
        "ollama": (
            _recorded(*_CHAT, ModelType.EMBEDDING),
            _client(_NATIVE, ModelType.CHAT, ModelType.EMBEDDING),
        ),
        "openai": (
            _recorded(*_ALL, test="tests/providers/protocols/openai/test_protocol.py"),
            _client(
                "tests/gateway/test_endpoints.py",
                ModelType.TTS,
                ModelType.SPEECH2TEXT,
                ModelType.IMAGE,
                ModelType.MODERATION,
            ),
            _client("tests/gateway/test_app.py", ModelType.CHAT, ModelType.EMBEDDING),
            Evidence(
                Against.EMULATOR,
                frozenset({ModelType.CHAT, ModelType.EMBEDDING}),
                "tests/gateway/test_llmock.py",
            ),
            Evidence(
                Against.REAL,
                frozenset({ModelType.CHAT}),
                "tests/gateway/test_dialects_of_a_real_model.py",
            ),
            Evidence(
                Against.REAL, frozenset({ModelType.EMBEDDING}), "tests/embedded/test_model.py"
            ),
        ),
        "paddleocr": (_recorded(ModelType.IMAGE2TEXT),),
        "perplexity": (_recorded(ModelType.EMBEDDING),),
        "qianfan": (_recorded(*_CHAT, *_RETRIEVAL),),
        "replicate": (_recorded(*_CHAT, ModelType.EMBEDDING),),
        "tei": (_recorded(*_RETRIEVAL),),
        "tencent-speech": (_recorded(ModelType.SPEECH2TEXT),),
        "vertex": (
            _recorded(
                *_CHAT,
                ModelType.EMBEDDING,
                test="tests/providers/protocols/vertex/test_protocol.py",
            ),
            _client("tests/gateway/test_gemini_clients.py", ModelType.CHAT),
        ),
        "voyage": (_recorded(*_RETRIEVAL),),
        "xunfei-spark": (_recorded(ModelType.CHAT),),
    }
)


def evidence_of(protocol: str, model_type: ModelType) -> tuple[Against, ...]:
    """In the order of `Against`, each once."""
    found = {e.against for e in EVIDENCE.get(protocol, ()) if model_type in e.model_types}
    return tuple(each for each in Against if each in found)
