"""A real model behind the hub, which speaks the dialects itself too: the same call to both.

llama.cpp answers `/v1/messages` natively, and the hub asks it for chat completions instead.
"""

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from llmhub.base.model_types import ModelType
from tenants.llms.services.connections import ModelFacts
from tests.committed_people import Person
from tests.conftest import RunningModel
from tests.gateway.server import RunningGateway

ASKED: dict[str, Any] = {
    "max_tokens": 24,
    "messages": [{"role": "user", "content": "Name a colour."}],
    "extra_body": {"temperature": 0},
}


@pytest.fixture
def real(alice: Person, model_server: RunningModel) -> Person:
    models = [ModelFacts(model_server.model, ModelType.CHAT)]
    alice.connect(model_server.base_url, name="llama", key=model_server.api_key, models=models)
    return alice


def sdk_of(base_url: str, key: str) -> anthropic.Anthropic:
    root = base_url.removesuffix("/v1")
    return anthropic.Anthropic(base_url=root, api_key=key, max_retries=0)


@pytest.fixture
def hub(gateway: RunningGateway, real: Person) -> Iterator[anthropic.Anthropic]:
    with sdk_of(gateway.url, real.token) as made:
        yield made


@pytest.fixture
def peer(model_server: RunningModel) -> Iterator[anthropic.Anthropic]:
    with sdk_of(model_server.base_url, model_server.api_key) as made:
        yield made


def said(message: anthropic.types.Message) -> tuple[Any, ...]:
    texts = [block.text for block in message.content if block.type == "text"]
    return texts, message.stop_reason, message.usage.output_tokens


def test_the_hub_says_what_the_model_says_itself(
    hub: anthropic.Anthropic, peer: anthropic.Anthropic, real: Person, model_server: RunningModel
) -> None:
    ours = hub.messages.create(model=model_server.model, **ASKED)
    theirs = peer.messages.create(model=model_server.model, **ASKED)
    assert said(ours) == said(theirs)
    assert ours.content
    with hub.messages.stream(model=model_server.model, **ASKED) as stream:
        streamed = stream.get_final_message()
    assert said(streamed) == said(theirs)
    first, second = real.ledger()
    assert first.output_tokens == second.output_tokens == theirs.usage.output_tokens
    assert not any(event.is_estimated for event in (first, second))


def test_responses_and_completions_of_a_real_model(
    gateway: RunningGateway, real: Person, model_server: RunningModel
) -> None:
    with openai.OpenAI(base_url=gateway.url, api_key=real.token, max_retries=0) as client:
        asked: dict[str, Any] = {"model": model_server.model, "temperature": 0}
        whole = client.responses.create(input="Name a colour.", max_output_tokens=24, **asked)
        with client.responses.create(
            input="Name a colour.", max_output_tokens=24, stream=True, **asked
        ) as stream:
            *_, last = stream
        assert whole.output_text
        assert last.type == f"response.{whole.status}"
        streamed: Any = last.response  # type: ignore[union-attr]
        assert streamed.output_text == whole.output_text
        assert streamed.output[0].status == whole.output[0].status == whole.status  # type: ignore[union-attr]
        assert whole.usage is not None
        assert streamed.usage.output_tokens == whole.usage.output_tokens
        done = client.completions.create(prompt="The sky is", max_tokens=8, **asked)
        with client.completions.create(
            prompt="The sky is", max_tokens=8, stream=True, **asked
        ) as chunks:
            text = "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
        assert text == done.choices[0].text != ""
    events = real.ledger()
    assert len(events) == 4
    assert not any(event.is_estimated for event in events)
    assert all(event.output_tokens > 0 for event in events)


def test_an_answer_of_a_schema(
    hub: anthropic.Anthropic, real: Person, model_server: RunningModel
) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "blue"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    message = hub.messages.create(
        model=model_server.model,
        output_config={"format": {"type": "json_schema", "schema": schema}},
        **{**ASKED, "max_tokens": 60},
    )
    [block] = message.content
    assert block.type == "text"
    assert '"colour"' in block.text
    assert "red" in block.text or "blue" in block.text
