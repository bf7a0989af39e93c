import pytest

from llmhub.base.model_types import ModelType
from providers.protocols.registry import PROTOCOLS, protocol_find, protocol_serves


def test_a_known_name_finds_its_protocol() -> None:
    protocol = protocol_find("openai")
    assert protocol is not None
    assert protocol.name == "openai"
    assert protocol_serves("openai", ModelType.CHAT)


@pytest.mark.parametrize(
    "name",
    [
        "anthropic.Anthropic",
        "",
        "OpenAI",
        "os",
        "providers.transport",
        "__class__",
        "openai.OpenAI",
    ],
)
def test_any_other_name_finds_nothing_and_imports_nothing(name: str) -> None:
    assert protocol_find(name) is None
    assert not protocol_serves(name, ModelType.CHAT)


def test_the_table_is_closed() -> None:
    with pytest.raises(TypeError):
        PROTOCOLS["mine"] = PROTOCOLS["openai"]  # type: ignore[index]
