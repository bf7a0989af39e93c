"""A provider that somebody else wrote: the emulator `llmock` behind the gateway."""

import subprocess
import sys
from collections.abc import Iterator

import openai
import pytest

from llmhub.base.model_types import ModelType
from llmhub.embedded.ports import answers, free_port
from tenants.llms.services.connections import ModelFacts
from tenants.models import Tenant
from tests.committed_people import Person, committed_tenant, person_of
from tests.waiting import wait_until

MODELS = (
    ModelFacts("gpt-4o", ModelType.CHAT),
    ModelFacts("text-embedding-3-small", ModelType.EMBEDDING),
    ModelFacts("omni-moderation-latest", ModelType.MODERATION),
    ModelFacts("dall-e-3", ModelType.IMAGE),
)


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    port = free_port()
    argv = [sys.executable, "-m", "llmock.cli", "serve", "--host", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    try:
        wait_until(lambda: answers(port, request, b"HTTP/1.1"), timeout_s=60, what="llmock")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def tenant(committed: None) -> Iterator[Tenant]:
    with committed_tenant("alice") as made:
        yield made


@pytest.fixture
def alice(tenant: Tenant, emulator: str) -> Iterator[Person]:
    with person_of(tenant) as person:
        person.connect(emulator, models=MODELS)
        yield person


def test_the_emulators_answers_pass(client: openai.OpenAI, alice: Person) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    chat = client.chat.completions.create(model="gpt-4o", messages=messages)  # type: ignore[arg-type]
    stream = client.chat.completions.create(
        model="gpt-4o",
        messages=messages,  # type: ignore[arg-type]
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    vectors = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    pictures = client.images.generate(model="dall-e-3", prompt="a cat", n=2)
    assert chat.choices[0].message.content
    assert any(chunk.choices and chunk.choices[0].delta.content for chunk in chunks)
    assert len(vectors.data) == 2
    assert pictures.data is not None
    assert len(pictures.data) == 2
    billed = {event.model_type: event for event in alice.ledger()}
    assert chat.usage is not None
    assert billed[ModelType.CHAT].input_tokens == chat.usage.prompt_tokens
    assert chunks[-1].usage is not None
    assert billed[ModelType.CHAT].output_tokens == chunks[-1].usage.completion_tokens
    assert billed[ModelType.EMBEDDING].input_tokens == vectors.usage.prompt_tokens
    assert {event.error_kind for event in billed.values()} == {""}


def test_what_the_emulator_does_not_have_is_the_providers_fault(
    client: openai.OpenAI, alice: Person
) -> None:
    """It has no such path: that is neither the caller's mistake nor a missing model."""
    with pytest.raises(openai.APIStatusError) as caught:
        client.moderations.create(model="omni-moderation-latest", input="Hi")
    assert caught.value.status_code == 502
    assert caught.value.code == "provider_bad_reply"
